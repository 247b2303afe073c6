import type { ClusterRegistry } from "./clusters/cluster-registry.ts";
import type { LabCluster } from "./lab-cluster.ts";
import type { LabService } from "./labs/lab-service.ts";
import type { Terminals } from "./terminals/terminals.ts";

/** What the RPC handlers work with. */
export interface HostServices {
  readonly mode: "browser" | "desktop";
  readonly clusters: ClusterRegistry;
  readonly terminals: Terminals;
  /** Images of kind clusters, to a folder and from it. */
  readonly archives: {
    save(folder: string, signal: AbortSignal): Promise<readonly string[]>;
    load(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  };
  /** The labs of the current cluster. */
  labs(): LabService;
  /** The current cluster while it runs; throws NOT_RUNNING. */
  running(): LabCluster;
  /** Begins to end the host. */
  shutdown(deleteState: boolean): void;
}
