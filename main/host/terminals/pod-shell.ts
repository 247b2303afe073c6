import type { TerminalTarget } from "#api/rpc/terminal.ts";
import type { ClusterApi } from "../cluster-api.ts";
import type { TerminalProcess } from "./terminals.ts";

/** A shell in a container of a pod, or as root in the pod's network. */
export async function openPodShell(
  api: ClusterApi,
  target: Exclude<TerminalTarget, { readonly kind: "local" }>,
  size: { readonly columns: number; readonly rows: number },
): Promise<TerminalProcess> {
  const container = target.kind === "container" ? target.container : await api.debugContainer(target);
  return api.exec({ namespace: target.namespace, pod: target.pod, container }, size);
}
