import { z } from "zod";
import type { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { gatewayTopology } from "../model/other-kinds.ts";
import type { ProxyNode, Snapshot } from "../model/snapshot.ts";

const metadata = z.object({
  LABELS: z.record(z.string(), z.string()).optional(),
  STATIC_LABELS: z.record(z.string(), z.string()).optional(),
  INSTANCE_IPS: z.string().optional(),
  ISTIO_VERSION: z.string().optional(),
  SLIPWAY_VERSION: z.string().optional(),
  INTERCEPTION_MODE: z.string().optional(),
  POD_PORTS: z.string().optional(),
  ENABLE_HBONE: z.union([z.boolean(), z.string()]).optional(),
  PROXY_CONFIG: z
    .object({ gatewayTopology: gatewayTopology.optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

const podPorts = z.array(z.object({ name: z.string().optional(), containerPort: z.number() }));

/** Reads `type~address~pod.namespace~domain` and the metadata that Istio's agents send. Throws an Error that says what is wrong. */
export function parseNode(node: Node): ProxyNode {
  const [type, address, id] = node.id.split("~");
  if (type !== "sidecar" && type !== "router" && type !== "waypoint" && type !== "ztunnel") {
    throw new Error(`node id "${node.id}" is not of the form sidecar~address~pod.namespace~domain`);
  }
  const dot = (id ?? "").lastIndexOf(".");
  if (id === undefined || address === undefined || dot < 1) {
    throw new Error(`node id "${node.id}" names no pod and namespace`);
  }
  const parsed = metadata.safeParse(node.metadata ?? {});
  const meta = parsed.success ? parsed.data : {};
  const topology = meta.PROXY_CONFIG?.gatewayTopology;
  return {
    id,
    type,
    addresses: meta.INSTANCE_IPS?.split(",") ?? [address],
    name: id.slice(0, dot),
    namespace: id.slice(dot + 1),
    labels: { ...meta.STATIC_LABELS, ...meta.LABELS },
    ports: portsOf(meta.POD_PORTS),
    version: meta.ISTIO_VERSION ?? meta.SLIPWAY_VERSION ?? "",
    intercepts: meta.INTERCEPTION_MODE !== "NONE",
    hbone: type === "waypoint" || String(meta.ENABLE_HBONE) === "true",
    readsSecrets: false,
    ...(topology === undefined ? {} : { topology }),
  };
}

function portsOf(text: string | undefined): Readonly<Record<string, number>> {
  if (text === undefined || text === "") return {};
  try {
    const ports = podPorts.parse(JSON.parse(text)).filter((port) => port.name !== undefined);
    return Object.fromEntries(ports.map((port) => [port.name ?? "", port.containerPort]));
  } catch {
    return {};
  }
}

/** What the cluster says about the pod counts more than what its proxy says. */
export function withWorkload(node: ProxyNode, snapshot: Snapshot): ProxyNode {
  const workload = snapshot.workloads.get(`${node.namespace}/${node.name}`);
  return workload === undefined ? node : { ...node, labels: workload.labels, ports: workload.ports };
}
