import type { ClusterDefinition, KindSettings } from "#api/cluster-definition.ts";
import type { ProviderKind } from "#api/rpc/cluster.ts";

/** What a person fills in for a new cluster; texts as they were typed. */
export interface NewCluster {
  readonly provider: ProviderKind;
  readonly name: string;
  readonly nodes: number;
  readonly kubernetesVersion: string;
  readonly nodeImage: string;
  /** Such as "8080:30080, 8443:30443". */
  readonly ports: string;
  readonly memoryMb: string;
  readonly cpus: string;
  readonly configPatch: string;
  readonly kubeconfig: string;
  readonly context: string;
  readonly takeOver: boolean;
}

export const emptyCluster: NewCluster = {
  provider: "kind",
  name: "",
  nodes: 1,
  kubernetesVersion: "",
  nodeImage: "",
  ports: "",
  memoryMb: "",
  cpus: "",
  configPatch: "",
  kubeconfig: "",
  context: "",
  takeOver: false,
};

/** Why it cannot be made yet, in a few words; undefined if nothing is in the way. The host judges the rest. */
export function obstacleTo({ provider, name, context, ports, kubernetesVersion }: NewCluster): string | undefined {
  if (!/^[a-z0-9]([-a-z0-9]{0,29}[a-z0-9])?$/.test(name))
    return "A name has small letters, digits and hyphens, 31 at most.";
  if (provider === "existing" && context === "") return "Choose a context.";
  if (provider !== "kind") return undefined;
  if (kubernetesVersion !== "" && !/^\d+\.\d+\.\d+$/.test(kubernetesVersion)) return "A version is such as 1.36.3.";
  return portsOf(ports) === undefined ? "Ports are such as 8080:30080, one pair after the other." : undefined;
}

/** What the host is asked for. */
export function definitionOf(cluster: NewCluster): ClusterDefinition {
  const { provider, name, nodes, context, kubeconfig, takeOver } = cluster;
  // One node has no zone of its own; with kind one node more is the control plane.
  const workers = nodes === 1 || provider === "existing" ? 0 : provider === "kind" ? nodes - 1 : nodes;
  const base = { name, provider, zones: Array.from({ length: workers }, (_, index) => `local-${index + 1}`) };
  if (provider === "existing")
    return { ...base, existing: { context, ...(kubeconfig && { kubeconfig }), ...(takeOver && { takeOver }) } };
  const kind = kindSettings(cluster);
  return provider === "kind" && Object.keys(kind).length > 0 ? { ...base, kind } : base;
}

function kindSettings({ kubernetesVersion, nodeImage, configPatch, ports, ...limited }: NewCluster): KindSettings {
  const mappings = portsOf(ports) ?? [];
  const [memoryMb, cpus] = [Number(limited.memoryMb), Number(limited.cpus)];
  const limits = { ...(memoryMb > 0 && { memoryMb }), ...(cpus > 0 && { cpus }) };
  return {
    ...(kubernetesVersion && { kubernetesVersion }),
    ...(nodeImage && { nodeImage }),
    ...(configPatch.trim() && { configPatch }),
    ...(mappings.length > 0 && { ports: mappings }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

function portsOf(text: string): { readonly host: number; readonly node: number }[] | undefined {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  const pairs = parts.map((part) => /^(\d{1,5}):(\d{1,5})$/.exec(part));
  return pairs.every((pair) => pair !== null)
    ? pairs.map(([, host, node]) => ({ host: Number(host), node: Number(node) }))
    : undefined;
}
