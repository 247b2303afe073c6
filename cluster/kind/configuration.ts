import { parse, stringify } from "yaml";
import { AppError } from "#api/errors.ts";

/** Ports of every node to which the mesh's gateway is bound; one of them is mapped to loopback. */
export const gatewayNodePorts = { http: 30_080, https: 30_443 } as const;

export interface ConfigurationOptions {
  /** A worker in each zone; empty is one node that does everything. */
  readonly zones: readonly string[];
  readonly ports: readonly { readonly host: number; readonly node: number }[];
  /** Fields for every node's KubeletConfiguration. */
  readonly kubelet: Readonly<Record<string, unknown>>;
  /** The person's own configuration, laid over this one. */
  readonly patch: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** The configuration that kind is given (https://kind.sigs.k8s.io/docs/user/configuration), as YAML. */
export function kindConfiguration({ zones, ports, kubelet, patch }: ConfigurationOptions): string {
  const mapping = (host: number, node: number): Fields => ({
    containerPort: node,
    // 0: kind looks for a free one.
    hostPort: host,
    listenAddress: "127.0.0.1",
    protocol: "TCP",
  });
  const controlPlane = {
    role: "control-plane",
    extraPortMappings: [
      mapping(0, gatewayNodePorts.http),
      mapping(0, gatewayNodePorts.https),
      ...ports.map(({ host, node }) => mapping(host, node)),
    ],
  };
  const workers = zones.map((zone) => ({
    role: "worker",
    labels: { "topology.kubernetes.io/region": regionOf(zone), "topology.kubernetes.io/zone": zone },
  }));
  const kubeletConfiguration = {
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    ...kubelet,
  };
  const own: Fields = {
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    ...(Object.keys(kubelet).length === 0 ? {} : { kubeadmConfigPatches: [stringify(kubeletConfiguration)] }),
    nodes: [controlPlane, ...workers],
  };
  return stringify(patch === undefined ? own : merge(own, patchOf(patch)));
}

/** "north-1" is a zone of the region "north". */
const regionOf = (zone: string): string => zone.replace(/-[^-]*$/, "") || zone;

function patchOf(text: string): Fields {
  const value: unknown = parseYaml(text);
  const { kind = "Cluster", apiVersion = "kind.x-k8s.io/v1alpha4" } = isFields(value) ? value : {};
  if (!isFields(value) || kind !== "Cluster" || apiVersion !== "kind.x-k8s.io/v1alpha4")
    throw new AppError("BAD_REQUEST", "the kind configuration must be a Cluster of kind.x-k8s.io/v1alpha4");
  return value;
}

function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new AppError(
      "BAD_REQUEST",
      `the kind configuration is not YAML: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Fields win over ours, nodes are laid over one another in order, other lists are added to ours. */
function merge(under: Fields, over: Fields): Fields {
  const names = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...names].map((name) => [name, mergeField(name, under[name], over[name])]));
}

function mergeField(name: string, under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (Array.isArray(under) && Array.isArray(over))
    return name === "nodes" ? mergeNodes(under, over) : [...under, ...over];
  return isFields(under) && isFields(over) ? merge(under, over) : over;
}

const mergeNodes = (under: readonly unknown[], over: readonly unknown[]): readonly unknown[] =>
  Array.from({ length: Math.max(under.length, over.length) }, (_, index) =>
    mergeField("node", under[index], over[index]),
  );

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
