import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import type { INamespace } from "kubernetes-models/v1/Namespace";
import type { IPod } from "kubernetes-models/v1/Pod";
import type { KubeObject } from "#api/kinds/object.ts";
import { selects } from "../machinery/selector.ts";
import { formatAddress, parseRange, type Range } from "./addresses.ts";

export type Pod = IPod & KubeObject;
export type Namespace = INamespace & KubeObject;
export type NetworkPolicy = INetworkPolicy & KubeObject;

export type Direction = "ingress" | "egress";

/** Somebody with an address who can be selected by labels. */
export interface Peer {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

/** What a packet that is let through looks like; undefined stands for any. */
export interface Allowance {
  /** The other side's addresses. */
  readonly cidr: string | undefined;
  readonly ports: PortMatch | undefined;
  /** namespace/name of the policy that lets it through. */
  readonly policy: string;
}

export interface PortMatch {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Undefined for every port of the protocol. */
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** A pod that at least one policy selects in a direction: there, only what is allowed passes. */
export interface IsolatedPod {
  readonly address: string;
  readonly direction: Direction;
  readonly allowed: readonly Allowance[];
}

export interface PolicyInput {
  readonly policies: Iterable<NetworkPolicy>;
  readonly pods: Iterable<Pod>;
  readonly namespaces: Iterable<Namespace>;
  /** The cluster's name service, which here is no pod but is selected as if it were one. */
  readonly dns: Peer;
}

/**
 * Which pods are isolated and what still reaches them or may leave them. Policies only ever add: a pod may be reached by what any of
 * the policies that select it lets in. Source: the Kubernetes documentation on network policies. Sorted, so that equal input gives
 * an equal result. Pure.
 */
export function isolatedPods(input: PolicyInput): readonly IsolatedPod[] {
  const policies = [...input.policies].toSorted((a, b) => compare(nameOf(a), nameOf(b)));
  if (policies.length === 0) return [];
  const pods = [...input.pods].flatMap((pod) => peerOf(pod) ?? []).toSorted((a, b) => compare(a.address, b.address));
  const labels = new Map([...input.namespaces].map(({ metadata }) => [metadata.name ?? "", metadata.labels ?? {}]));
  const context: Context = { peers: [...pods, input.dns], namespaceLabels: labels };
  return pods.flatMap((pod) =>
    (["ingress", "egress"] as const).flatMap((direction) => {
      const selecting = policies.filter(
        ({ metadata, spec }) =>
          metadata.namespace === pod.namespace &&
          selects(spec?.podSelector ?? {}, pod.labels) &&
          typesOf(spec).includes(direction),
      );
      if (selecting.length === 0) return [];
      const allowed = selecting.flatMap((policy) => allowances(policy, direction, { ...context, pod }));
      return [{ address: pod.address, direction, allowed }];
    }),
  );
}

/** Undefined for a pod that has no network of its own, or none any more. */
function peerOf({ metadata, spec, status }: Pod): Peer | undefined {
  const address = status?.podIP;
  if (!address || spec?.hostNetwork === true || status?.phase === "Succeeded" || status?.phase === "Failed")
    return undefined;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers.flatMap((container) =>
    (container.ports ?? []).map(({ name = "", protocol = "TCP", containerPort }) => ({
      name,
      protocol,
      port: containerPort,
    })),
  );
  return { namespace: metadata.namespace ?? "default", labels: metadata.labels ?? {}, address, ports };
}

interface Context {
  readonly peers: readonly Peer[];
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

type Spec = NonNullable<INetworkPolicy["spec"]>;
type Rule = NonNullable<Spec["ingress"]>[number] | NonNullable<Spec["egress"]>[number];
type RulePeer = NonNullable<NonNullable<Spec["ingress"]>[number]["from"]>[number];
type RulePort = NonNullable<Rule["ports"]>[number];

/** policyTypes left out means ingress, and egress if there are rules for it. */
function typesOf(spec: Spec | undefined): readonly Direction[] {
  const named = spec?.policyTypes;
  if (named !== undefined && named.length > 0) return named.map((type) => (type === "Egress" ? "egress" : "ingress"));
  return (spec?.egress ?? []).length > 0 ? ["ingress", "egress"] : ["ingress"];
}

function allowances(
  policy: NetworkPolicy,
  direction: Direction,
  context: Context & { readonly pod: Peer },
): readonly Allowance[] {
  const rules: readonly Rule[] = (direction === "ingress" ? policy.spec?.ingress : policy.spec?.egress) ?? [];
  const name = nameOf(policy);
  const namespace = policy.metadata.namespace ?? "default";
  return rules.flatMap((rule) => {
    const peers = "from" in rule ? rule.from : "to" in rule ? rule.to : undefined;
    const others =
      peers === undefined || peers.length === 0
        ? undefined
        : peers.flatMap((peer) => othersOf(peer, { ...context, namespace }));
    const ports = rule.ports === undefined || rule.ports.length === 0 ? [undefined] : rule.ports;
    return ports.flatMap((port) =>
      portAllowances({ port, others, direction, context }).map((one) => ({ ...one, policy: name })),
    );
  });
}

/** Addresses on the other side; with the pod that has it, where it is one. */
interface Other {
  readonly cidr: string;
  readonly peer: Peer | undefined;
}

function othersOf(peer: RulePeer, context: Context & { readonly namespace: string }): readonly Other[] {
  if (peer.ipBlock !== undefined)
    return withoutRanges(peer.ipBlock.cidr, peer.ipBlock.except ?? []).map((cidr) => ({ cidr, peer: undefined }));
  return context.peers
    .filter((candidate) => {
      const inNamespace =
        peer.namespaceSelector === undefined
          ? candidate.namespace === context.namespace
          : selects(peer.namespaceSelector, context.namespaceLabels.get(candidate.namespace));
      return inNamespace && selects(peer.podSelector ?? {}, candidate.labels);
    })
    .map((candidate) => ({ cidr: `${candidate.address}/32`, peer: candidate }));
}

interface PortQuestion {
  readonly port: RulePort | undefined;
  readonly others: readonly Other[] | undefined;
  readonly direction: Direction;
  readonly context: Context & { readonly pod: Peer };
}

function portAllowances({ port, others, direction, context }: PortQuestion): readonly Omit<Allowance, "policy">[] {
  const everyone: readonly { readonly cidr: string | undefined; readonly peer: Peer | undefined }[] = others ?? [
    { cidr: undefined, peer: undefined },
  ];
  if (port === undefined) return everyone.map(({ cidr }) => ({ cidr, ports: undefined }));
  const protocol = protocolOf(port.protocol);
  if (typeof port.port !== "string") {
    const ports = { protocol, first: port.port, last: port.endPort ?? port.port };
    return everyone.map(({ cidr }) => ({ cidr, ports }));
  }
  // A named port is a port of the pod that is called: what number it has is that pod's to say.
  const numbers = (called: Peer): readonly PortMatch[] =>
    called.ports
      .filter((one) => one.name === port.port && protocolOf(one.protocol) === protocol)
      .map((one) => ({ protocol, first: one.port, last: one.port }));
  if (direction === "ingress")
    return numbers(context.pod).flatMap((ports) => everyone.map(({ cidr }) => ({ cidr, ports })));
  const called =
    others === undefined ? context.peers : others.flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  return called.flatMap((peer) => numbers(peer).map((ports) => ({ cidr: `${peer.address}/32`, ports })));
}

function protocolOf(protocol: string | undefined): PortMatch["protocol"] {
  return protocol === "UDP" ? "udp" : protocol === "SCTP" ? "sctp" : "tcp";
}

/** The ranges that are left of one when others are cut out of it. Ranges that are no IPv4 hold nothing that pods here could reach. */
export function withoutRanges(cidr: string, except: readonly string[]): readonly string[] {
  if (cidr.includes(":")) return [];
  const cuts = except.filter((one) => !one.includes(":")).map(parseRange);
  return remaining(parseRange(cidr), cuts).map(({ first, prefix }) => `${formatAddress(first)}/${prefix}`);
}

function remaining(range: Range, cuts: readonly Range[]): readonly Range[] {
  const touching = cuts.filter((cut) => cut.first < range.first + range.size && range.first < cut.first + cut.size);
  if (touching.length === 0) return [range];
  if (touching.some((cut) => cut.prefix <= range.prefix)) return [];
  const size = range.size / 2;
  const halves = [range.first, range.first + size].map((first) => ({ first, size, prefix: range.prefix + 1 }));
  return halves.flatMap((half) => remaining(half, touching));
}

const nameOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? "default"}/${metadata.name ?? ""}`;
const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
