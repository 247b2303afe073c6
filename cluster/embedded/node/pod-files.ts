import type { Pod } from "./kinds.ts";

export interface DnsDefaults {
  readonly server: string;
  readonly domain: string;
}

/** A pod's host name: its own field, else its name cut to 63 characters. */
export function podHostname(pod: Pod): string {
  const name = pod.spec?.hostname ?? pod.metadata.name ?? "pod";
  return name.slice(0, 63).replace(/[-.]+$/, "");
}

/** resolv.conf by dnsPolicy and dnsConfig. Source: "Pod's DNS Policy" in the Kubernetes documentation. `Default` is the node's, which has no upstream here. */
export function resolvConf(pod: Pod, dns: DnsDefaults): string {
  const policy = pod.spec?.dnsPolicy ?? "ClusterFirst";
  const namespace = pod.metadata.namespace ?? "default";
  const cluster = policy === "ClusterFirst" || policy === "ClusterFirstWithHostNet";
  const config = pod.spec?.dnsConfig ?? {};
  const nameservers = [...(policy === "None" ? [] : [dns.server]), ...(config.nameservers ?? [])].slice(0, 3);
  const searches = [
    ...(cluster ? [`${namespace}.svc.${dns.domain}`, `svc.${dns.domain}`, dns.domain] : []),
    ...(config.searches ?? []),
  ];
  const options = new Map<string, string>(cluster ? [["ndots", "ndots:5"]] : []);
  for (const { name = "", value } of config.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return [
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(searches.length === 0 ? [] : [`search ${[...new Set(searches)].join(" ")}`]),
    ...(options.size === 0 ? [] : [`options ${[...options.values()].join(" ")}`]),
    "",
  ].join("\n");
}

/** /etc/hosts with the pod's own name and hostAliases. */
export function hostsFile(pod: Pod, address: string, domain: string): string {
  const hostname = podHostname(pod);
  const subdomain = pod.spec?.subdomain;
  const full = subdomain === undefined ? [] : [`${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${domain}`];
  const aliases = (pod.spec?.hostAliases ?? []).map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join("\t")}`);
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    [address, ...full, hostname].join("\t"),
    ...aliases,
    "",
  ].join("\n");
}
