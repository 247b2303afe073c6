import { createHash } from "node:crypto";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import type { IPod } from "kubernetes-models/v1/Pod";
import type { KubeObject } from "#api/kinds/object.ts";
import { selects } from "#kube/selector.ts";
import { subtractRanges } from "./address-ranges.ts";

export type NetworkPolicy = INetworkPolicy & KubeObject;
export type PolicyPod = IPod & KubeObject;

export interface PolicyInput {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: Iterable<PolicyPod>;
  readonly namespaces: Iterable<KubeObject>;
  /** Cluster IP of the DNS server, which is no pod here but counts as one of kube-system with the label k8s-app=kube-dns. */
  readonly dnsServer: string;
}

/** Lines for the filter table of `iptables-restore`. */
export interface PolicyRules {
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

type Rule = NonNullable<NonNullable<INetworkPolicy["spec"]>["egress"]>[number];
type Peer = NonNullable<Rule["to"]>[number];
type Port = NonNullable<Rule["ports"]>[number];
type Direction = "egress" | "ingress";

/** Somebody whom a policy may select or name. */
interface Party {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly ports: readonly { readonly name: string; readonly number: number; readonly protocol: string }[];
}

const CHAIN = "SLIPWAY-POLICY";
const nothing: PolicyRules = { chains: [], rules: [] };

/**
 * NetworkPolicies as packet rules: a pod that policies select for a direction gets a chain of all that they let through and refuses
 * the rest. Packets of standing connections are judged as well, so a new policy ends what it would not let begin; answers always
 * come back. Nodes reach their pods, as the API demands, since their packets are never forwarded. Pure.
 */
export function policyRules(input: PolicyInput): PolicyRules {
  if (input.policies.length === 0) return nothing;
  const context = { ...input, parties: partiesOf(input), labelsOf: namespaceLabels(input.namespaces) };
  const pods = context.parties.filter(({ address }) => address !== input.dnsServer);
  const guards = pods.flatMap((pod) =>
    (["egress", "ingress"] as const).flatMap((direction) => guard(context, pod, direction)),
  );
  if (guards.length === 0) return nothing;
  return {
    chains: [CHAIN, ...guards.map(({ chain }) => chain)].map((chain) => `:${chain} - [0:0]`),
    rules: [
      `-A FORWARD -j ${CHAIN}`,
      `-A INPUT -d ${input.dnsServer}/32 -j ${CHAIN}`,
      `-A ${CHAIN} -m conntrack --ctdir REPLY -j RETURN`,
      `-A ${CHAIN} -m conntrack --ctstate RELATED -j RETURN`,
      ...guards.map(({ entry }) => entry),
      ...guards.flatMap(({ rules }) => rules),
    ],
  };
}

interface Context extends PolicyInput {
  readonly parties: readonly Party[];
  readonly labelsOf: (namespace: string) => Readonly<Record<string, string>>;
}

interface Guard {
  readonly chain: string;
  readonly entry: string;
  readonly rules: readonly string[];
}

function partiesOf({ pods, dnsServer }: PolicyInput): readonly Party[] {
  const parties: Party[] = [
    {
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns" },
      address: dnsServer,
      ports: [
        { name: "dns", number: 53, protocol: "UDP" },
        { name: "dns-tcp", number: 53, protocol: "TCP" },
      ],
    },
  ];
  for (const { metadata, spec, status } of pods) {
    const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
    if (spec?.hostNetwork === true || ended || !status?.podIP?.includes(".")) continue;
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
    parties.push({
      namespace: metadata.namespace ?? "default",
      labels: metadata.labels ?? {},
      address: status.podIP,
      ports: containers.flatMap(({ ports = [] }) =>
        ports.map(({ name = "", containerPort, protocol = "TCP" }) => ({ name, number: containerPort, protocol })),
      ),
    });
  }
  return parties.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

function namespaceLabels(namespaces: Iterable<KubeObject>): Context["labelsOf"] {
  const labels = new Map([...namespaces].map(({ metadata }) => [metadata.name ?? "", metadata.labels ?? {}]));
  return (name) => ({ ...labels.get(name), "kubernetes.io/metadata.name": name });
}

function guard(context: Context, pod: Party, direction: Direction): readonly Guard[] {
  const type = direction === "egress" ? "Egress" : "Ingress";
  const policies = context.policies.filter(
    ({ metadata, spec }) =>
      (metadata.namespace ?? "default") === pod.namespace &&
      (spec?.policyTypes ?? ["Ingress"]).includes(type) &&
      selects(spec?.podSelector ?? {}, pod.labels),
  );
  if (policies.length === 0) return [];
  const chain = `SLIPWAY-${direction === "egress" ? "EGR" : "ING"}-${hash(pod.address)}`;
  const [own, other] = direction === "egress" ? ["-s", "-d"] : ["-d", "-s"];
  const allowed = policies.flatMap(({ metadata, spec }) => {
    const rules: readonly Rule[] =
      direction === "egress"
        ? (spec?.egress ?? [])
        : (spec?.ingress ?? []).map(({ from, ports }) => ({ ...(from && { to: from }), ...(ports && { ports }) }));
    const note = ` -m comment --comment "${metadata.namespace}/${metadata.name}"`;
    return rules
      .flatMap((rule) => matchesOf(context, { pod, direction, rule, namespace: pod.namespace }))
      .map(
        ({ range, port }) => `-A ${chain}${range === undefined ? "" : ` ${other} ${range}`}${port}${note} -j RETURN`,
      );
  });
  return [
    {
      chain,
      entry: `-A ${CHAIN} ${own} ${pod.address}/32 -j ${chain}`,
      rules: [
        // No pod can be kept from itself.
        `-A ${chain} ${other} ${pod.address}/32 -j RETURN`,
        ...new Set(allowed),
        `-A ${chain} -p tcp -j REJECT --reject-with tcp-reset`,
        `-A ${chain} -j REJECT`,
      ],
    },
  ];
}

interface Match {
  /** Undefined for anybody. */
  readonly range: string | undefined;
  readonly port: string;
}

interface RuleOf {
  readonly pod: Party;
  readonly direction: Direction;
  readonly rule: Rule;
  readonly namespace: string;
}

function matchesOf(context: Context, { pod, direction, rule, namespace }: RuleOf): readonly Match[] {
  const ports = rule.ports ?? [];
  const named = ports.some(({ port }) => typeof port === "string");
  const peers = rule.to ?? [];
  // A port's name means something else on each pod that is called: then even "anybody" has to be spelt out.
  const targets: readonly { readonly range: string | undefined; readonly party?: Party }[] =
    peers.length > 0
      ? peers.flatMap((peer) => targetsOf(context, peer, namespace))
      : direction === "egress" && named
        ? [{ range: undefined }, ...context.parties.map((party) => ({ range: `${party.address}/32`, party }))]
        : [{ range: undefined }];
  return targets.flatMap(({ range, party }) => {
    const called = direction === "ingress" ? pod : party;
    return portsOf(ports, called).map((port) => ({ range, port }));
  });
}

function targetsOf(
  { parties, labelsOf }: Context,
  { ipBlock, podSelector, namespaceSelector }: Peer,
  namespace: string,
): readonly { readonly range: string; readonly party?: Party }[] {
  if (ipBlock !== undefined)
    return (subtractRanges(ipBlock.cidr, ipBlock.except ?? []) ?? []).map((range) => ({ range }));
  return parties
    .filter(
      (party) =>
        (namespaceSelector === undefined
          ? party.namespace === namespace
          : selects(namespaceSelector, labelsOf(party.namespace))) && selects(podSelector ?? {}, party.labels),
    )
    .map((party) => ({ range: `${party.address}/32`, party }));
}

/** Matches for ports; one that matches all if none are given, none for a name that the called pod does not have. */
function portsOf(ports: readonly Port[], called: Party | undefined): readonly string[] {
  if (ports.length === 0) return [""];
  return ports.flatMap(({ port, endPort, protocol = "TCP" }) => {
    const name = protocol.toLowerCase();
    if (port === undefined) return [` -p ${name}`];
    const number =
      typeof port === "number"
        ? port
        : called?.ports.find((one) => one.name === port && one.protocol === protocol)?.number;
    if (number === undefined) return [];
    return [` -p ${name} -m ${name} --dport ${endPort === undefined ? number : `${number}:${endPort}`}`];
  });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** iptables' chain names have at most 28 characters. */
const hash = (text: string): string =>
  [...createHash("sha256").update(text).digest().subarray(0, 16)].map((byte) => ALPHABET[byte % 32]).join("");
