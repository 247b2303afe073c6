import { parseArgs } from "node:util";
import { PROXY_UID, ports } from "#api/names.ts";

/** What traffic of a pod goes to its proxy. Names and defaults are those of Istio's `istio-iptables` command. */
export interface CaptureOptions {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly tunnelPort: number;
  readonly proxyUids: readonly string[];
  readonly proxyGids: readonly string[];
  readonly mode: "REDIRECT" | "NONE";
  /** Address ranges, or "*" alone for all. */
  readonly includeRanges: readonly string[];
  readonly excludeRanges: readonly string[];
  /** Ports, or "*" alone for all. */
  readonly includeInboundPorts: readonly string[];
  readonly excludeInboundPorts: readonly string[];
  readonly includeOutboundPorts: readonly string[];
  readonly excludeOutboundPorts: readonly string[];
  readonly excludeInterfaces: readonly string[];
  /** Interfaces of virtual machines inside the pod, whose traffic is outbound. */
  readonly machineInterfaces: readonly string[];
  readonly redirectDns: boolean;
  /** All DNS, not only that to the servers of resolv.conf. */
  readonly captureAllDns: boolean;
  readonly dropInvalid: boolean;
}

export interface InitCommand {
  readonly capture: CaptureOptions;
  /** Prints the rules and sets none. */
  readonly dryRun: boolean;
  /** Removes the rules and sets none. */
  readonly cleanupOnly: boolean;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const flags = {
  "envoy-port": { ...text, short: "p", default: String(ports.outbound) },
  "inbound-capture-port": { ...text, short: "z", default: String(ports.inbound) },
  "inbound-tunnel-port": { ...text, short: "e", default: String(ports.hbone) },
  "proxy-uid": { ...text, short: "u", default: "" },
  "proxy-gid": { ...text, short: "g", default: "" },
  "istio-inbound-interception-mode": { ...text, short: "m", default: "REDIRECT" },
  "istio-inbound-tproxy-mark": { ...text, short: "t" },
  "istio-inbound-tproxy-route-table": { ...text, short: "r" },
  "istio-inbound-ports": { ...text, short: "b", default: "" },
  "istio-local-exclude-ports": { ...text, short: "d", default: "" },
  "istio-exclude-interfaces": { ...text, short: "c", default: "" },
  "istio-service-cidr": { ...text, short: "i", default: "" },
  "istio-service-exclude-cidr": { ...text, short: "x", default: "" },
  "istio-outbound-ports": { ...text, short: "q", default: "" },
  "istio-local-outbound-ports-exclude": { ...text, short: "o", default: "" },
  "kube-virt-interfaces": { ...text, short: "k", default: "" },
  "redirect-dns": flag,
  "capture-all-dns": flag,
  "drop-invalid": flag,
  "dry-run": { ...flag, short: "n" },
  "cleanup-only": flag,
  // Accepted for Istio's callers; there is nothing here that they change.
  "force-apply": flag,
  "run-validation": flag,
  "skip-rule-apply": flag,
  reconcile: flag,
  log_output_level: text,
  "iptables-version": text,
  "probe-timeout": text,
  "iptables-probe-port": text,
  "network-namespace": text,
} as const;

/** Reads the arguments of `istio-iptables`. Throws an Error that names the argument. */
export function parseInitCommand(args: readonly string[]): InitCommand {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false });
  const uids = list(values["proxy-uid"]);
  const proxyUids = uids.length === 0 ? [String(PROXY_UID)] : uids;
  const gids = list(values["proxy-gid"]);
  return {
    dryRun: values["dry-run"] ?? false,
    cleanupOnly: values["cleanup-only"] ?? false,
    capture: {
      outboundPort: port("--envoy-port", values["envoy-port"]),
      inboundPort: port("--inbound-capture-port", values["inbound-capture-port"]),
      tunnelPort: port("--inbound-tunnel-port", values["inbound-tunnel-port"]),
      proxyUids: ids("--proxy-uid", proxyUids),
      proxyGids: ids("--proxy-gid", gids.length === 0 ? proxyUids : gids),
      mode: mode(values["istio-inbound-interception-mode"]),
      includeRanges: ranges("--istio-service-cidr", values["istio-service-cidr"]),
      excludeRanges: ranges("--istio-service-exclude-cidr", values["istio-service-exclude-cidr"]),
      includeInboundPorts: portList("--istio-inbound-ports", values["istio-inbound-ports"]),
      excludeInboundPorts: portList("--istio-local-exclude-ports", values["istio-local-exclude-ports"]),
      includeOutboundPorts: portList("--istio-outbound-ports", values["istio-outbound-ports"]),
      excludeOutboundPorts: portList(
        "--istio-local-outbound-ports-exclude",
        values["istio-local-outbound-ports-exclude"],
      ),
      excludeInterfaces: interfaces("--istio-exclude-interfaces", values["istio-exclude-interfaces"]),
      machineInterfaces: interfaces("--kube-virt-interfaces", values["kube-virt-interfaces"]),
      redirectDns: values["redirect-dns"] ?? false,
      captureAllDns: values["capture-all-dns"] ?? false,
      dropInvalid: values["drop-invalid"] ?? false,
    },
  };
}

const list = (value: string): readonly string[] =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function each(name: string, value: string, check: (item: string) => boolean, what: string): readonly string[] {
  const items = list(value);
  // These texts become lines of iptables-restore's input, so nothing but what they should be may pass.
  const wrong = items.find((item) => !check(item));
  if (wrong !== undefined) throw new Error(`${name}: "${wrong}" is not ${what}`);
  return items;
}

const isPort = (item: string): boolean => /^\d{1,5}$/.test(item) && Number(item) > 0 && Number(item) < 65536;
const port = (name: string, value: string): number => {
  if (!isPort(value)) throw new Error(`${name}: "${value}" is not a port (1 to 65535)`);
  return Number(value);
};
const portList = (name: string, value: string): readonly string[] =>
  value.trim() === "*" ? ["*"] : each(name, value, isPort, "a port (1 to 65535) or * alone");
const ranges = (name: string, value: string): readonly string[] =>
  value.trim() === "*"
    ? ["*"]
    : each(name, value, (item) => /^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(item), "an address range");
const interfaces = (name: string, value: string): readonly string[] =>
  each(name, value, (item) => /^[\w.@+-]{1,15}$/.test(item), "the name of an interface");
const ids = (name: string, items: readonly string[]): readonly string[] =>
  each(name, items.join(","), (item) => /^\d{1,10}$/.test(item), "a numeric id");

function mode(value: string): CaptureOptions["mode"] {
  if (value === "REDIRECT" || value === "NONE") return value;
  if (value === "TPROXY") {
    throw new Error(
      "interception mode TPROXY is not available with this proxy; use REDIRECT (annotation sidecar.istio.io/interceptionMode)",
    );
  }
  throw new Error(`--istio-inbound-interception-mode: "${value}" is neither REDIRECT nor NONE`);
}
