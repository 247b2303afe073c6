import { mkdir, readFile, writeFile } from "node:fs/promises";
import { run } from "./run.ts";

export interface PrepareOptions {
  /** Addresses of the machine itself: node addresses, the API server's and the DNS server's cluster IPs. The first is the source of masqueraded traffic. */
  readonly addresses: readonly string[];
}

/**
 * What the program does first inside its namespaces: a private /run (named network namespaces, the iptables lock), a view of control groups, loopback up with
 * the cluster's own addresses, forwarding on. cgroups stay as they are. Nothing here outlives the process.
 */
export async function prepareSandbox(options: PrepareOptions): Promise<void> {
  await run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"]);
  await Promise.all(["/run/netns", "/run/lock", "/run/slipway", "/run/cgroup2"].map((folder) => mkdir(folder)));
  // For capture by eBPF. In a user namespace the kernel refuses it, and so it will the programs.
  await run(["mount", "-t", "cgroup2", "none", "/run/cgroup2"]).catch(() => undefined);
  const addresses = options.addresses.map((address) => `addr add ${address}/32 dev lo`);
  await run(["ip", "-batch", "-"], { input: ["link set lo up", ...addresses, ""].join("\n") });
  await Promise.all(
    Object.entries(nodeSettings).map(([name, value]) => writeFile(`/proc/sys/net/ipv4/${name}`, value)),
  );
  // Pods and services have IPv4 addresses only: no neighbour discovery on every link. A kernel without IPv6 has no such file.
  await writeFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").catch(() => undefined);
}

/** Kernel settings of the network namespace that routes between pods. */
const nodeSettings: Readonly<Record<string, string>> = {
  ip_forward: "1",
  // Pods answer from addresses that the reverse path does not know while a connection is translated.
  "conf/all/rp_filter": "0",
  "conf/default/rp_filter": "0",
  "conf/all/send_redirects": "0",
  "conf/default/send_redirects": "0",
  // Probes and the API server's pod proxy open many short connections.
  ip_local_port_range: "10240 65000",
};

/** Whether user ids inside are real ones: false when the user namespace maps a single id. Source: user_namespaces(7). */
export async function hasFullIdMap(): Promise<boolean> {
  const map = await readFile("/proc/self/uid_map", "utf8");
  const mapped = map
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2] ?? 0), 0);
  return mapped > 1;
}

/** Ends this process when the parent's channel closes. Runs `stop` first; nothing of it is needed for a clean end, it is kinder to programs. */
export function exitWithParent(stop: () => Promise<void>): void {
  process.once("disconnect", () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
