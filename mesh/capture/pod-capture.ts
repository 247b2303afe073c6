import { inPodReturnTables, inPodRoutes, inPodTables, withoutInPodRoutes } from "./in-pod.ts";
import { restoreInput, type Table } from "./iptables.ts";
import type { NetworkNamespace } from "./namespaces.ts";

type Runner = Pick<NetworkNamespace, "run">;

/** Leads new connections of a pod to the node's proxy, which must listen there already. May be repeated. */
export async function capturePod(namespace: Runner): Promise<void> {
  await setRoutes(namespace, [...withoutInPodRoutes, ...inPodRoutes]);
  await setTables(namespace, inPodTables);
}

/** New connections go where they want to; those that the proxy carries go on. */
export const releasePod = (namespace: Runner): Promise<void> => setTables(namespace, inPodReturnTables);

/** Nothing of ours stays. For when no connection is left. */
export async function cleanPod(namespace: Runner): Promise<void> {
  await setTables(namespace, []);
  await setRoutes(namespace, withoutInPodRoutes);
}

async function setTables(namespace: Runner, tables: readonly Table[]): Promise<void> {
  const input = restoreInput(tables, await namespace.run(["iptables-save"]));
  if (input !== "") await namespace.run(["iptables-restore", "--noflush", "--wait"], input);
}

/** Deleting what is not there is no mistake. */
async function setRoutes(namespace: Runner, lines: readonly string[]): Promise<void> {
  const isDeletion = (line: string): boolean => / (del|flush) /.test(line);
  const deletions = lines.filter(isDeletion);
  await namespace.run(["ip", "-force", "-batch", "-"], `${deletions.join("\n")}\n`).catch(() => undefined);
  const additions = lines.filter((line) => !isDeletion(line));
  if (additions.length > 0) await namespace.run(["ip", "-batch", "-"], `${additions.join("\n")}\n`);
}
