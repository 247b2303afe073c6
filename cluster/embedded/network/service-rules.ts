import { createHash } from "node:crypto";
import type { PolicyRules } from "./policy-rules.ts";
import type { Endpoint, ServicePort } from "./service-model.ts";

export interface RuleOptions {
  /** Addresses of the nodes: node ports answer there. */
  readonly nodeAddresses: readonly string[];
  readonly podCidr: string;
  /** Cluster IPs that programs of the node itself listen on: their services get no rules. */
  readonly ownAddresses: readonly string[];
}

/** Mark of packets whose source becomes the node, as kube-proxy uses it. */
const MASQUERADE_MARK = "0x4000/0x4000";

/**
 * The whole nat and filter tables for `iptables-restore`, with kube-proxy's chains and semantics: endpoints by even chance,
 * session affinity by client address, a connection from a pod to itself through its service is masqueraded, a service without
 * endpoints refuses. externalTrafficPolicy and internalTrafficPolicy make no difference: all simulated nodes share one network
 * namespace, so every endpoint is local. Pure.
 */
export function serviceRules(ports: readonly ServicePort[], options: RuleOptions, policies: PolicyRules): string {
  const routed = ports.filter((port) => !port.clusterIps.some((address) => options.ownAddresses.includes(address)));
  const chains: string[] = [];
  const entries: string[] = [];
  const rules: string[] = [];
  const nodePorts: string[] = [];
  for (const port of routed.filter((one) => one.endpoints.length > 0)) {
    const chain = chainName("SVC", portId(port));
    chains.push(chain);
    entries.push(...entryRules(port, chain, options));
    if (port.nodePort !== undefined)
      nodePorts.push(...nodePortRules(port, { chain, nodeAddresses: options.nodeAddresses }));
    rules.push(...balanceRules(port, { chain, chains }));
  }
  const nat = [
    ...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((name) => `:${name} ACCEPT [0:0]`),
    ...["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-MARK-MASQ", "KUBE-POSTROUTING", ...chains].map(
      (name) => `:${name} - [0:0]`,
    ),
    "-A PREROUTING -j KUBE-SERVICES",
    "-A OUTPUT -j KUBE-SERVICES",
    "-A POSTROUTING -j KUBE-POSTROUTING",
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    `-A KUBE-POSTROUTING -m mark ! --mark ${MASQUERADE_MARK} -j RETURN`,
    "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
    "-A KUBE-POSTROUTING -j MASQUERADE",
    ...entries,
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    ...nodePorts,
    ...rules,
  ];
  return `*filter\n${filterTable(routed, options, policies).join("\n")}\nCOMMIT\n*nat\n${nat.join("\n")}\nCOMMIT\n`;
}

function entryRules(port: ServicePort, chain: string, options: RuleOptions): string[] {
  const match = (address: string): string =>
    `-A KUBE-SERVICES -d ${address}/32 -p ${port.protocol} -m ${port.protocol} --dport ${port.port}${comment(port)}`;
  return [
    ...port.clusterIps.flatMap((address) => [
      `${match(address)} ! -s ${options.podCidr} -j KUBE-MARK-MASQ`,
      `${match(address)} -j ${chain}`,
    ]),
    ...port.externalIps.flatMap((address) => [`${match(address)} -j KUBE-MARK-MASQ`, `${match(address)} -j ${chain}`]),
  ];
}

function nodePortRules(port: ServicePort, context: { chain: string; nodeAddresses: readonly string[] }): string[] {
  return context.nodeAddresses.flatMap((address) => {
    const match = `-A KUBE-NODEPORTS -d ${address}/32 -p ${port.protocol} -m ${port.protocol} --dport ${port.nodePort}${comment(port)}`;
    return [`${match} -j KUBE-MARK-MASQ`, `${match} -j ${context.chain}`];
  });
}

function balanceRules(port: ServicePort, target: { chain: string; chains: string[] }): string[] {
  const { chain, chains } = target;
  const ends = port.endpoints.map((endpoint) => ({
    endpoint,
    name: chainName("SEP", `${portId(port)}/${endpoint.address}:${endpoint.port}`),
  }));
  chains.push(...ends.map((end) => end.name));
  const sticky =
    port.affinitySeconds === undefined
      ? []
      : ends.map(
          ({ name }) =>
            `-A ${chain} -m recent --name ${name} --rcheck --seconds ${port.affinitySeconds} --reap -j ${name}`,
        );
  const chances = ends.map(({ name }, index) => {
    const left = ends.length - index;
    const chance = left === 1 ? "" : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    return `-A ${chain}${chance} -j ${name}`;
  });
  return [...sticky, ...chances, ...ends.flatMap(({ endpoint, name }) => endpointRules(port, endpoint, name))];
}

function endpointRules(port: ServicePort, endpoint: Endpoint, name: string): string[] {
  const recent = port.affinitySeconds === undefined ? "" : ` -m recent --name ${name} --set`;
  return [
    `-A ${name} -s ${endpoint.address}/32 -j KUBE-MARK-MASQ`,
    `-A ${name} -p ${port.protocol}${recent} -m ${port.protocol} -j DNAT --to-destination ${endpoint.address}:${endpoint.port}`,
  ];
}

function filterTable(ports: readonly ServicePort[], options: RuleOptions, policies: PolicyRules): string[] {
  const refuse = ports
    .filter((port) => port.endpoints.length === 0)
    .flatMap((port) => {
      const addresses = [...port.clusterIps, ...port.externalIps].map((address) => ({ address, number: port.port }));
      const nodes =
        port.nodePort === undefined ? [] : options.nodeAddresses.map((address) => ({ address, number: port.nodePort }));
      return [...addresses, ...nodes].map(
        ({ address, number }) =>
          `-A KUBE-SERVICES -d ${address}/32 -p ${port.protocol} -m ${port.protocol} --dport ${number}${comment(port, "has no endpoints")} -j REJECT`,
      );
    });
  return [
    ...["INPUT", "FORWARD", "OUTPUT"].map((name) => `:${name} ACCEPT [0:0]`),
    ":KUBE-SERVICES - [0:0]",
    ...policies.chains,
    ...["INPUT", "FORWARD", "OUTPUT"].map((name) => `-A ${name} -m conntrack --ctstate NEW -j KUBE-SERVICES`),
    ...refuse,
    ...policies.rules,
  ];
}

function comment(port: ServicePort, note?: string): string {
  const name = `${port.namespace}/${port.service}${port.portName === "" ? "" : `:${port.portName}`}`;
  return ` -m comment --comment "${name}${note === undefined ? "" : ` ${note}`}"`;
}

const portId = (port: ServicePort): string => `${port.namespace}/${port.service}:${port.portName}/${port.protocol}`;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** A chain name of at most 28 characters, as iptables demands: KUBE-SVC-<16 characters of a hash>. */
function chainName(kind: "SVC" | "SEP", id: string): string {
  const hash = createHash("sha256").update(id).digest();
  return `KUBE-${kind}-${[...hash.subarray(0, 16)].map((byte) => ALPHABET[byte % 32]).join("")}`;
}
