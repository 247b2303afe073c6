import type { ErrorReport } from "#api/errors.ts";

/** Between the process that provides the cluster and the one that is it, over Node's IPC channel. */
export type ToCluster =
  /** First message; comes with the listening server of the API, which lives in the outer network namespace. */
  { readonly type: "start"; readonly config: EmbeddedConfig } | { readonly type: "stop" };

export type FromCluster =
  | { readonly type: "ready"; readonly kubeconfig: string; readonly version: string }
  | { readonly type: "progress"; readonly text: string }
  | { readonly type: "failed"; readonly error: ErrorReport };

export interface EmbeddedConfig {
  readonly name: string;
  readonly stateFolder: string;
  /** Folder of images, as scripts/build.ts makes it. */
  readonly imagesFolder: string;
  /** Address of the API server for the kubeconfig, https://127.0.0.1:port. */
  readonly server: string;
  readonly nodes: readonly { readonly name: string; readonly zone: string }[];
}
