import { PROXY_MARK, ports } from "#api/names.ts";
import type { CaptureOptions } from "./options.ts";

/** The rules of one table, as lines of iptables-restore without "COMMIT". */
export interface Table {
  readonly name: "nat" | "raw" | "mangle";
  /** Chains of our own, in the order of their declaration. */
  readonly chains: readonly string[];
  /** "-A …" and "-I …" lines. */
  readonly rules: readonly string[];
}

export interface RuleContext {
  readonly family: "ipv4" | "ipv6";
  /** What tells the proxy's own traffic: its user and group, or the mark that it sets. */
  readonly proxy: "owner" | "mark";
  /** Name servers of resolv.conf, for DNS capture. */
  readonly nameServers: readonly string[];
}

/** Addresses of a family: loopback, and the source from which the proxy reaches its own application. */
const addresses = {
  ipv4: { loopback: "127.0.0.1/32", passthrough: "127.0.0.6/32" },
  ipv6: { loopback: "::1/128", passthrough: "::6/128" },
} as const;

const DNS = 53;

/**
 * The rules that lead a pod's traffic to its proxy: Istio's chains in Istio's order. Source: the output of Istio's istio-iptables
 * and "Understanding sidecar traffic interception" in its documentation. Pure.
 */
export function captureTables(options: CaptureOptions, context: RuleContext): readonly Table[] {
  if (options.mode === "NONE") return [];
  const dns = options.redirectDns ? dnsServers(options, context) : [];
  const nat: Table = {
    name: "nat",
    chains: [
      "ISTIO_INBOUND",
      "ISTIO_REDIRECT",
      "ISTIO_IN_REDIRECT",
      "ISTIO_OUTPUT",
      ...(options.redirectDns ? ["ISTIO_OUTPUT_DNS"] : []),
    ],
    rules: [
      ...interfaceRules(options),
      `-A ISTIO_INBOUND -p tcp --dport ${options.tunnelPort} -j RETURN`,
      `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${options.outboundPort}`,
      `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${options.inboundPort}`,
      ...inboundRules(options),
      ...outboundRules(options, context),
    ],
  };
  return [
    nat,
    ...(options.redirectDns ? [dnsTrackingTable(proxyMatches(options, context), dns)] : []),
    ...(options.dropInvalid ? [dropInvalidTable] : []),
  ];
}

function interfaceRules(options: CaptureOptions): readonly string[] {
  return [
    ...options.machineInterfaces.map((name) => `-I PREROUTING 1 -i ${name} -j RETURN`),
    ...options.excludeInterfaces.flatMap((name) => [
      `-A PREROUTING -i ${name} -j RETURN`,
      `-A OUTPUT -o ${name} -j RETURN`,
    ]),
  ];
}

function inboundRules({ includeInboundPorts, excludeInboundPorts }: CaptureOptions): readonly string[] {
  if (includeInboundPorts.length === 0) return [];
  const enter = "-A PREROUTING -p tcp -j ISTIO_INBOUND";
  if (includeInboundPorts[0] !== "*") {
    return [
      enter,
      ...includeInboundPorts.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j ISTIO_IN_REDIRECT`),
    ];
  }
  return [
    enter,
    ...excludeInboundPorts.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`),
    "-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT",
  ];
}

function outboundRules(options: CaptureOptions, context: RuleContext): readonly string[] {
  const { loopback, passthrough } = addresses[context.family];
  const output = (rule: string): string => `-A ISTIO_OUTPUT ${rule}`;
  return [
    "-A OUTPUT -j ISTIO_OUTPUT",
    ...options.excludeOutboundPorts.map((port) => output(`-p tcp --dport ${port} -j RETURN`)),
    output(`-o lo -s ${passthrough} -j RETURN`),
    ...proxyMatches(options, context).flatMap((match) => proxyRules(match, { options, loopback }).map(output)),
    ...dnsRules(options, context),
    output(`-d ${loopback} -j RETURN`),
    ...sameFamily(options.excludeRanges, context).map((range) => output(`-d ${range} -j RETURN`)),
    ...portsToCapture(options.includeOutboundPorts).map((match) => output(`-p tcp ${match}-j ISTIO_REDIRECT`)),
    ...includedRanges(options, context),
  ];
}

const portsToCapture = (included: readonly string[]): readonly string[] =>
  included.map((port) => (port === "*" ? "" : `--dport ${port} `));

/** How a rule recognises the proxy: "-m owner --uid-owner 1337"; `not` turns it round. */
interface ProxyMatch {
  readonly is: string;
  readonly not: string;
}

function proxyMatches(options: CaptureOptions, { proxy }: RuleContext): readonly ProxyMatch[] {
  if (proxy === "mark") return [{ is: `-m mark --mark ${PROXY_MARK}`, not: `-m mark ! --mark ${PROXY_MARK}` }];
  return [
    ...options.proxyUids.map((id) => ({ is: `-m owner --uid-owner ${id}`, not: `-m owner ! --uid-owner ${id}` })),
    ...options.proxyGids.map((id) => ({ is: `-m owner --gid-owner ${id}`, not: `-m owner ! --gid-owner ${id}` })),
  ];
}

/**
 * The proxy calling its own pod by address goes through the inbound side; the application talking to itself stays alone; all else
 * that the proxy sends leaves.
 */
function proxyRules(match: ProxyMatch, at: { options: CaptureOptions; loopback: string }): readonly string[] {
  const { tunnelPort, redirectDns } = at.options;
  const notTunnel = redirectDns ? `-m multiport ! --dports ${DNS},${tunnelPort}` : `! --dport ${tunnelPort}`;
  return [
    `! -d ${at.loopback} -o lo -p tcp ${notTunnel} ${match.is} -j ISTIO_IN_REDIRECT`,
    redirectDns ? `-o lo -p tcp ! --dport ${DNS} ${match.not} -j RETURN` : `-o lo ${match.not} -j RETURN`,
    `${match.is} -j RETURN`,
  ];
}

function includedRanges(options: CaptureOptions, context: RuleContext): readonly string[] {
  const { includeRanges, machineInterfaces } = options;
  if (includeRanges[0] === "*") {
    return [
      "-A ISTIO_OUTPUT -j ISTIO_REDIRECT",
      ...machineInterfaces.map((name) => `-I PREROUTING 1 -i ${name} -j ISTIO_REDIRECT`),
    ];
  }
  const ranges = sameFamily(includeRanges, context);
  if (ranges.length === 0) return [];
  return [
    ...ranges.flatMap((range) => [
      ...machineInterfaces.map((name) => `-I PREROUTING 1 -d ${range} -i ${name} -j ISTIO_REDIRECT`),
      `-A ISTIO_OUTPUT -d ${range} -j ISTIO_REDIRECT`,
    ]),
    "-A ISTIO_OUTPUT -j RETURN",
  ];
}

/** Ends of the DNS match for each captured server: "-d 10.96.0.10/32 ", or none for all servers. */
function dnsServers(options: CaptureOptions, context: RuleContext): readonly string[] {
  return options.captureAllDns ? [""] : sameFamily(context.nameServers, context);
}

function dnsRules(options: CaptureOptions, context: RuleContext): readonly string[] {
  if (!options.redirectDns) return [];
  const destinations = dnsServers(options, context).map((server) => (server === "" ? "" : `-d ${server} `));
  return [
    ...destinations.map((to) => `-A ISTIO_OUTPUT ${to}-p tcp --dport ${DNS} -j REDIRECT --to-ports ${ports.dns}`),
    "-A OUTPUT -j ISTIO_OUTPUT_DNS",
    ...proxyMatches(options, context).map(({ is }) => `-A ISTIO_OUTPUT_DNS -p udp --dport ${DNS} ${is} -j RETURN`),
    ...destinations.map((to) => `-A ISTIO_OUTPUT_DNS ${to}-p udp --dport ${DNS} -j REDIRECT --to-ports ${ports.dns}`),
  ];
}

/** Two queries from one port, one captured and one the proxy's own, would be one connection to the kernel; zones keep them apart. */
function dnsTrackingTable(proxy: readonly ProxyMatch[], servers: readonly string[]): Table {
  const to = (server: string): string => (server === "" ? "" : `-d ${server} `);
  const from = (server: string): string => (server === "" ? "" : `-s ${server} `);
  return {
    name: "raw",
    chains: ["ISTIO_OUTPUT_DNS", "ISTIO_INBOUND"],
    rules: [
      "-A OUTPUT -j ISTIO_OUTPUT_DNS",
      ...proxy.flatMap(({ is }) => [
        `-A ISTIO_OUTPUT_DNS -p udp --dport ${DNS} ${is} -j CT --zone 1`,
        `-A ISTIO_OUTPUT_DNS -p udp --sport ${ports.dns} ${is} -j CT --zone 2`,
      ]),
      ...servers.map((server) => `-A ISTIO_OUTPUT_DNS ${to(server)}-p udp --dport ${DNS} -j CT --zone 2`),
      "-A PREROUTING -j ISTIO_INBOUND",
      ...servers.map((server) => `-A ISTIO_INBOUND ${from(server)}-p udp --sport ${DNS} -j CT --zone 1`),
    ],
  };
}

const dropInvalidTable: Table = {
  name: "mangle",
  chains: ["ISTIO_DROP"],
  rules: ["-A PREROUTING -j ISTIO_DROP", "-A ISTIO_DROP -m conntrack --ctstate INVALID -j DROP"],
};

const sameFamily = (ranges: readonly string[], { family }: RuleContext): readonly string[] =>
  ranges
    .filter((range) => range !== "*" && range.includes(":") === (family === "ipv6"))
    .map((range) => (range.includes("/") ? range : `${range}/${family === "ipv6" ? 128 : 32}`));

/**
 * Input of `iptables-restore --noflush` that replaces what an earlier run left: declaring a chain empties it, and the ways into it
 * from the built-in chains are deleted first. All of it takes effect at once or not at all.
 */
export function restoreInput(tables: readonly Table[], saved: string): string {
  const before = parseSaved(saved);
  const names = [...new Set([...tables.map(({ name }) => name), ...before.keys()])];
  const blocks = names.map((name) => {
    const table = tables.find((one) => one.name === name);
    const leftovers = before.get(name) ?? { chains: [], rules: [] };
    const stale = leftovers.chains.filter((chain) => !table?.chains.includes(chain));
    // iptables-save writes inserted rules as appended ones.
    const again = new Set(table?.rules.map((rule) => rule.replace(/^-I (\w+) 1 /, "-A $1 ")));
    const lines = [
      ...[...stale, ...(table?.chains ?? [])].map((chain) => `:${chain} - [0:0]`),
      ...leftovers.rules.filter((rule) => leadsToUs(rule) || again.has(rule)).map((rule) => rule.replace(/^-A/, "-D")),
      ...stale.map((chain) => `-X ${chain}`),
      ...(table?.rules ?? []),
    ];
    return lines.length === 0 ? "" : [`*${name}`, ...lines, "COMMIT", ""].join("\n");
  });
  return blocks.join("");
}

interface SavedTable {
  /** Chains of ours that exist. */
  readonly chains: string[];
  /** Rules of the built-in chains. */
  readonly rules: string[];
}

/** Reads the output of iptables-save. */
function parseSaved(saved: string): ReadonlyMap<string, SavedTable> {
  const tables = new Map<string, SavedTable>();
  let table: SavedTable = { chains: [], rules: [] };
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) {
      table = { chains: [], rules: [] };
      tables.set(line.slice(1), table);
    } else if (line.startsWith(":ISTIO_")) table.chains.push(line.slice(1).split(" ")[0]!);
    else if (line.startsWith("-A ") && !line.startsWith("-A ISTIO_")) table.rules.push(line);
  }
  return tables;
}

const leadsToUs = (rule: string): boolean => / -j ISTIO_/.test(rule);
