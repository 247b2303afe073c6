import type { Allowance, IsolatedPod } from "./policy-model.ts";

/** Lines for the filter table, as iptables-restore reads them. */
export interface FilterRules {
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

const CHAIN = "KUBE-POLICY";

/**
 * NetworkPolicies as rules. Packets between pods pass the FORWARD chain after a service's address has become a pod's, so that rules
 * see what policies speak of. The node's own connections (probes) do not pass it and are never refused. Answers pass; every packet
 * from the one who called is looked at, so that a new policy ends connections that stand already. Pure.
 */
export function policyRules(pods: readonly IsolatedPod[], dns: string): FilterRules {
  if (pods.length === 0) return { chains: [], rules: [] };
  const addresses = [...new Set(pods.map(({ address }) => address))];
  const chains = pods.map(chainOf);
  return {
    chains: [CHAIN, ...chains],
    rules: [
      `-A FORWARD -j ${CHAIN}`,
      // The name service is a program of the node: what pods ask it arrives at INPUT.
      `-A INPUT -d ${dns}/32 -j ${CHAIN}`,
      `-A ${CHAIN} -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN`,
      `-A ${CHAIN} -m conntrack --ctstate RELATED -j RETURN`,
      ...addresses.map((address) => `-A ${CHAIN} -s ${address}/32 -d ${address}/32 -j RETURN`),
      ...pods.map(
        (pod) => `-A ${CHAIN} -${pod.direction === "ingress" ? "d" : "s"} ${pod.address}/32 -j ${chainOf(pod)}`,
      ),
      ...pods.flatMap(podRules),
    ],
  };
}

/** At most 28 characters, as iptables demands. */
const chainOf = ({ address, direction }: IsolatedPod): string =>
  `KUBE-POLICY-${direction === "ingress" ? "I" : "E"}-${address}`;

function podRules(pod: IsolatedPod): readonly string[] {
  const chain = chainOf(pod);
  const allowed = pod.allowed.map((one) => `-A ${chain}${matchOf(one, pod.direction)} -j RETURN`);
  return [...new Set(allowed), `-A ${chain} -j DROP`];
}

function matchOf({ cidr, ports, policy }: Allowance, direction: IsolatedPod["direction"]): string {
  const other = cidr === undefined ? "" : ` -${direction === "ingress" ? "s" : "d"} ${cidr}`;
  return `${other}${portsOf(ports)} -m comment --comment "${policy}"`;
}

function portsOf(ports: Allowance["ports"]): string {
  if (ports === undefined) return "";
  const { protocol, first, last } = ports;
  if (first === undefined) return ` -p ${protocol}`;
  return ` -p ${protocol} -m ${protocol} --dport ${first === last ? first : `${first}:${last}`}`;
}
