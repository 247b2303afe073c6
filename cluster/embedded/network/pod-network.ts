import { existsSync, writeFileSync } from "node:fs";
import { run } from "../sandbox/run.ts";
import type { Namespaces } from "./netns.ts";

export interface PodLink {
  /** Name under /run/netns. */
  readonly name: string;
  readonly address: string;
  /** Address of the node: source of connections from the node to the pod. */
  readonly nodeAddress: string;
}

/** Makes and removes the network namespaces of pods. Pods that start together are set up by one command. */
export interface PodNetwork {
  /** Gives the path of the namespace file. */
  attach(link: PodLink): Promise<string>;
  detach(link: PodLink): Promise<void>;
}

/** The next hop that every pod uses; a permanent neighbour entry answers for it, no interface has it (as in other point-to-point plugins). */
const GATEWAY = "169.254.1.1";
const HOST_MAC = "ee:ee:ee:ee:ee:ee";

/** Path of a named network namespace. */
const namespacePath = (name: string): string => `/run/netns/${name}`;

const octets = (address: string): number[] => address.split(".").map(Number);
const hostInterface = (address: string): string => `veth${octets(address).slice(2).join("-")}`;
const podMac = (address: string): string =>
  ["0a", "58", ...octets(address).map((octet) => octet.toString(16).padStart(2, "0"))].join(":");

export function createPodNetwork(namespaces: Namespaces): PodNetwork {
  const setUp = batcher<PodLink>((links) => runBatch(links.flatMap(hostSetUp)));
  const tearDown = batcher<PodLink>((links) => runBatch(links.flatMap(hostTearDown), ["-force"]));
  return {
    attach: async (link) => {
      await setUp(link);
      const path = namespacePath(link.name);
      namespaces.within(path, podSettings);
      await runBatch(podSetUp(link), ["-n", link.name]);
      return path;
    },
    detach: (link) => tearDown(link).catch(() => undefined),
  };
}

function hostSetUp(link: PodLink): string[] {
  const device = hostInterface(link.address);
  const mac = podMac(link.address);
  return [
    `netns add ${link.name}`,
    `link add ${device} address ${HOST_MAC} type veth peer name eth0 address ${mac} netns ${link.name}`,
    `link set ${device} up`,
    `route add ${link.address}/32 dev ${device} src ${link.nodeAddress}`,
    `neigh replace ${link.address} lladdr ${mac} dev ${device} nud permanent`,
  ];
}

function podSetUp(link: PodLink): string[] {
  return [
    "link set lo up",
    `addr add ${link.address}/32 dev eth0`,
    "link set eth0 up",
    `route add ${GATEWAY} dev eth0 scope link`,
    `neigh replace ${GATEWAY} lladdr ${HOST_MAC} dev eth0 nud permanent`,
    `route add default via ${GATEWAY} dev eth0 src ${link.address}`,
  ];
}

function hostTearDown(link: PodLink): string[] {
  return [`link del ${hostInterface(link.address)}`, `netns del ${link.name}`];
}

/** Connections that a listener has not accepted when it closes go to another one on the same port. Since Linux 5.14. */
const MIGRATE = "/proc/sys/net/ipv4/tcp_migrate_req";
const POD_IPV6 = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6";

/** Container runtimes let every user of a pod bind low ports and send pings; so do we. */
function podSettings(): void {
  writeFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  if (existsSync(MIGRATE)) writeFileSync(MIGRATE, "1");
  // The loopback keeps ::1, which programs expect. A kernel without IPv6 has no such file.
  if (existsSync(POD_IPV6)) writeFileSync(POD_IPV6, "1");
}

async function runBatch(lines: readonly string[], flags: readonly string[] = []): Promise<void> {
  await run(["ip", ...flags, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Collects what is asked for in the same turn, or while the last batch runs, into one call. A failing batch is retried one by one. */
function batcher<T>(act: (items: readonly T[]) => Promise<void>): (item: T) => Promise<void> {
  interface Waiting {
    readonly item: T;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = false;
  const settle = async (entry: Waiting): Promise<void> => {
    await act([entry.item]).then(entry.resolve, entry.reject);
  };
  /** Gives back what has to be tried alone. */
  const settleTogether = async (batch: readonly Waiting[]): Promise<readonly Waiting[]> => {
    try {
      await act(batch.map((entry) => entry.item));
    } catch {
      return batch;
    }
    for (const entry of batch) entry.resolve();
    return [];
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const failed = batch.length === 1 ? batch : await settleTogether(batch);
      for (const entry of failed) await settle(entry);
    }
    running = false;
  };
  return (item) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (running) return;
      running = true;
      setImmediate(() => void drain());
    });
}
