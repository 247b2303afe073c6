import type { CaptureMethod } from "./capture-method.ts";
import {
  IN_POD_RULE,
  type InPodOptions,
  inPodReturnTables,
  inPodRoutes,
  inPodTables,
  withoutInPodRoutes,
} from "./in-pod.ts";
import { restoreInput, type Table } from "./iptables.ts";
import type { NetworkNamespace } from "./namespaces.ts";
import { originalDestinations } from "./original-destination.ts";

type Runner = Pick<NetworkNamespace, "run">;

/** Capture by rules of iptables inside the pod's network, as Istio's agent draws them. They stay when the process ends. */
export function iptablesCapture(): CaptureMethod {
  const originalDestination = originalDestinations();
  return {
    name: "iptables",
    capture: ({ network }, options) => capturePod(network, options),
    release: ({ network }) => releasePod(network),
    clean: ({ network }) => cleanPod(network),
    forget: () => undefined,
    originalDestination: (_, socket) => originalDestination(socket),
    // A pod that calls itself cannot be told from a stranger with its address.
    socketFor: ({ network, address }, client) => network.socket(client === address ? undefined : client),
  };
}

/** Takes away what leads new connections, where a process that captured by rules has left some. */
export async function withdrawRules(namespace: Runner): Promise<void> {
  if ((await namespace.run(["iptables-save"])).includes(":ISTIO_")) await releasePod(namespace);
}

/** Leads new connections of a pod to the node's proxy, which must listen there already. May be repeated. */
async function capturePod(namespace: Runner, options: InPodOptions): Promise<void> {
  await setRoutes(namespace);
  await setTables(namespace, inPodTables(options));
}

/** New connections go where they want to; those that the proxy carries go on. */
const releasePod = (namespace: Runner): Promise<void> => setTables(namespace, inPodReturnTables);

/** Nothing of ours stays. For when no connection is left. */
async function cleanPod(namespace: Runner): Promise<void> {
  await setTables(namespace, []);
  // What is not there need not go.
  await runIp(namespace, withoutInPodRoutes, ["-force"]).catch(() => undefined);
}

async function setTables(namespace: Runner, tables: readonly Table[]): Promise<void> {
  const input = restoreInput(tables, await namespace.run(["iptables-save"]));
  if (input !== "") await namespace.run(["iptables-restore", "--noflush", "--wait"], input);
}

/** Answers of connections that stand must find their way at every moment, also while another process takes over: nothing is replaced. */
async function setRoutes(namespace: Runner): Promise<void> {
  const rules = await namespace.run(["ip", "rule", "show"]);
  const missing = inPodRoutes.filter((line) => !line.startsWith("rule ") || !rules.includes(IN_POD_RULE));
  await runIp(namespace, missing);
}

const runIp = (namespace: Runner, lines: readonly string[], flags: readonly string[] = []): Promise<string> =>
  namespace.run(["ip", ...flags, "-batch", "-"], `${lines.join("\n")}\n`);
