import { PROXY_MARK, ports } from "#api/names.ts";
import type { Table } from "./iptables.ts";

/** What the node's proxy marks its sockets with, and what the connections that it makes to applications are marked with by the rules. */
const PROXY = `0x${PROXY_MARK.toString(16)}/0xfff`;
const RETURNING = "0x111/0xfff";
/** Where the kubelet's probes come from on nodes where Istio's agent rewrites their source. */
const PROBE = "169.254.7.127/32";
const LOOPBACK = "127.0.0.1/32";
const DNS = 53;

const mangleTable: Table = {
  name: "mangle",
  chains: ["ISTIO_OUTPUT", "ISTIO_PRERT"],
  rules: [
    "-A PREROUTING -j ISTIO_PRERT",
    "-A OUTPUT -j ISTIO_OUTPUT",
    `-A ISTIO_OUTPUT -m connmark --mark ${RETURNING} -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff`,
    `-A ISTIO_PRERT -m mark --mark ${PROXY} -j CONNMARK --set-xmark ${RETURNING}`,
  ],
};

/** Two questions from one port, a captured one and the proxy's own, would be one connection to the kernel; zones keep them apart. */
const dnsTrackingTable: Table = {
  name: "raw",
  chains: ["ISTIO_OUTPUT", "ISTIO_PRERT"],
  rules: [
    "-A PREROUTING -j ISTIO_PRERT",
    "-A OUTPUT -j ISTIO_OUTPUT",
    `-A ISTIO_OUTPUT -p udp -m mark --mark ${PROXY} -m udp --dport ${DNS} -j CT --zone 1`,
    `-A ISTIO_PRERT -p udp -m mark ! --mark ${PROXY} -m udp --sport ${DNS} -j CT --zone 1`,
  ],
};

const dnsRules: readonly string[] = [
  `-A ISTIO_OUTPUT ! -o lo -p udp -m mark ! --mark ${PROXY} -m udp --dport ${DNS} -j REDIRECT --to-ports ${ports.dns}`,
  `-A ISTIO_OUTPUT ! -d ${LOOPBACK} -p tcp --syn --dport ${DNS} -m mark ! --mark ${PROXY} -j REDIRECT --to-ports ${ports.dns}`,
];

export interface InPodOptions {
  /** Whether DNS questions are led to the proxy too. */
  readonly dns: boolean;
}

/**
 * The rules that lead a pod's traffic to the node's proxy, which listens inside the pod's network: Istio's chains for ambient pods
 * (its "in-pod" redirection). Only what opens a connection is redirected: the kernel begins to track connections when the first rule
 * arrives, and would take the next packet of one that stands already for the first of a new one. Pure.
 */
export const inPodTables = ({ dns }: InPodOptions): readonly Table[] => [
  ...(dns ? [dnsTrackingTable] : []),
  mangleTable,
  {
    name: "nat",
    chains: ["ISTIO_OUTPUT", "ISTIO_PRERT"],
    rules: [
      "-A PREROUTING -j ISTIO_PRERT",
      "-A OUTPUT -j ISTIO_OUTPUT",
      `-A ISTIO_OUTPUT -d ${PROBE} -p tcp -j ACCEPT`,
      `-A ISTIO_OUTPUT -p tcp -m mark --mark ${RETURNING} -j ACCEPT`,
      `-A ISTIO_OUTPUT ! -d ${LOOPBACK} -o lo -j ACCEPT`,
      ...(dns ? dnsRules : []),
      `-A ISTIO_OUTPUT ! -d ${LOOPBACK} -p tcp --syn -m mark ! --mark ${PROXY} -j REDIRECT --to-ports ${ports.outbound}`,
      `-A ISTIO_PRERT -s ${PROBE} -p tcp -j ACCEPT`,
      `-A ISTIO_PRERT ! -d ${LOOPBACK} -p tcp --syn ! --dport ${ports.hbone} -m mark ! --mark ${PROXY} -j REDIRECT --to-ports ${ports.inbound}`,
    ],
  },
];

/** What stays while connections from before a pod was let go still stand: their answers have to find the proxy. */
export const inPodReturnTables: readonly Table[] = [mangleTable];

/** Routing table of answers to connections that the proxy makes in a client's name: they never leave the pod. */
const TABLE = 100;

/** The rule as `ip rule show` prints it. */
export const IN_POD_RULE = `fwmark ${RETURNING} lookup ${TABLE}`;

/** Lines for `ip -batch -`. */
export const inPodRoutes: readonly string[] = [
  `rule add fwmark ${RETURNING} pref 32764 lookup ${TABLE}`,
  `route replace local 0.0.0.0/0 dev lo table ${TABLE}`,
];
export const withoutInPodRoutes: readonly string[] = [
  `rule del fwmark ${RETURNING} pref 32764`,
  `route flush table ${TABLE}`,
];
