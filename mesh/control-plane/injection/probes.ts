import { ports } from "#api/names.ts";
import type { Container, PodDraft, Probe } from "./pod.ts";

/** A probe as the agent is told it in ISTIO_KUBE_APP_PROBERS, ports by number. */
export type AgentProbe = Pick<Probe, "httpGet" | "tcpSocket" | "timeoutSeconds">;

const kinds = [
  ["readinessProbe", "readyz"],
  ["livenessProbe", "livez"],
  ["startupProbe", "startupz"],
] as const;
const hooks = [
  ["postStart", "poststartz"],
  ["preStop", "prestopz"],
] as const;

/**
 * Sends the kubelet's probes to the agent, which passes them on inside the pod: the kubelet has no certificate for the application's
 * port. Gives the containers as they are to be and, by path, what the agent has to ask. Source: "Health checking" in Istio's
 * documentation.
 */
export function rewriteProbes(pod: PodDraft): {
  readonly containers: readonly Container[];
  readonly agentProbes: Readonly<Record<string, AgentProbe>>;
} {
  const agentProbes: Record<string, AgentProbe> = {};
  const containers = pod.spec.containers.map((container): Container => {
    if (container.name === "istio-proxy") return container;
    let result = container;
    for (const [field, name] of kinds) {
      const probe = container[field];
      if (probe === undefined) continue;
      const path = `/app-health/${container.name}/${name}`;
      const asked = agentProbe(probe, container);
      if (asked === undefined) continue;
      agentProbes[path] = asked;
      const { tcpSocket: _tcp, httpGet: _http, ...rest } = probe;
      result = { ...result, [field]: { ...rest, httpGet: { path, port: ports.agentStatus, scheme: "HTTP" } } };
    }
    return rewriteHooks(result, agentProbes);
  });
  return { containers, agentProbes };
}

function rewriteHooks(container: Container, agentProbes: Record<string, AgentProbe>): Container {
  let result = container;
  for (const [field, name] of hooks) {
    const handler = container.lifecycle?.[field];
    if (handler?.httpGet === undefined && handler?.tcpSocket === undefined) continue;
    const path = `/app-lifecycle/${container.name}/${name}`;
    const asked = agentProbe(handler, container);
    if (asked === undefined) continue;
    agentProbes[path] = asked;
    const httpGet = { path, port: ports.agentStatus, scheme: "HTTP" } as const;
    result = { ...result, lifecycle: { ...result.lifecycle, [field]: { httpGet } } };
  }
  return result;
}

/** Undefined for what the agent need not or cannot ask: a command, gRPC (which Kubernetes alone speaks), what goes to the agent already. */
function agentProbe(
  probe: Pick<Probe, "httpGet" | "tcpSocket" | "timeoutSeconds">,
  container: Container,
): AgentProbe | undefined {
  const timeout = probe.timeoutSeconds === undefined ? {} : { timeoutSeconds: probe.timeoutSeconds };
  if (probe.httpGet !== undefined) {
    const port = portNumber(probe.httpGet.port, container);
    if (port === undefined || port === ports.agentStatus) return undefined;
    return { httpGet: { path: "/", scheme: "HTTP", ...probe.httpGet, port }, ...timeout };
  }
  if (probe.tcpSocket !== undefined) {
    const port = portNumber(probe.tcpSocket.port, container);
    return port === undefined ? undefined : { tcpSocket: { ...probe.tcpSocket, port }, ...timeout };
  }
  return undefined;
}

function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}
