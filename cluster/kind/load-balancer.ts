import { setTimeout as delay } from "node:timers/promises";
import type { IService } from "kubernetes-models/v1/Service";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "#kube/cache.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import type { Engine } from "./engine.ts";
import { type AddressPool, addressPool } from "./load-balancer-address.ts";
import { type KindNode, listAllNodes, listNodes, runInNode } from "./nodes.ts";

type Service = IService & KubeObject;

export interface BalancerOptions {
  readonly engine: Engine;
  /** As kind calls it. */
  readonly cluster: string;
  readonly kubeconfig: string;
  readonly signal: AbortSignal;
}

/** Nodes that were started anew have lost their addresses; nothing tells. */
const EVERY_MS = 10_000;
const BURST_MS = 50;
const DEVICE = "eth0";
/** Marks addresses of ours on the node's device. */
const MARK = `${DEVICE}:lb`;

/**
 * What a cloud does for Services of type LoadBalancer: gives each an address of the engine's network and puts it on a node, whose
 * kube-proxy leads it to the pods. This machine reaches the address where the engine runs on its own kernel (Linux); elsewhere the
 * mapped ports of 127.0.0.1 are the way in. Goes on until the signal aborts.
 */
export async function serveLoadBalancers({ engine, cluster, kubeconfig, signal }: BalancerOptions): Promise<void> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  const services = new ObjectCache<Service>(client, resources.services);
  let changed = Promise.withResolvers<void>();
  services.onChange(() => changed.resolve());
  try {
    await Promise.race([services.ready, aborted(signal)]);
    while (!signal.aborted) {
      changed = Promise.withResolvers();
      // An engine or a cluster that does not answer now is asked again soon.
      await reconcile({ engine, client, cluster }, services.all).catch(() => {});
      await Promise.race([changed.promise, delay(EVERY_MS, undefined, { signal }).catch(() => {})]);
      await delay(BURST_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    services.dispose();
    client.close();
  }
}

interface Place {
  readonly engine: Engine;
  readonly client: KubeClient;
  readonly cluster: string;
}

async function reconcile({ engine, client, cluster }: Place, services: readonly Service[]): Promise<void> {
  const [node] = (await listNodes(engine, cluster)).filter(({ running }) => running);
  const pool = node && (await poolOf(engine, node));
  if (node === undefined || pool === undefined) return;
  const held = await addressesOf(node, MARK);
  const taken = new Set(await addressesOfOthers(engine, cluster));
  const wanted = new Set<string>();
  for (const service of services.filter(isBalanced)) {
    const { namespace = "", name = "" } = service.metadata;
    const [before] = ingressOf(service);
    // Whoever has given it another address looks after it.
    if (before !== undefined && !pool.has(before)) continue;
    const isFree = (address: string | undefined): address is string =>
      address !== undefined && pool.has(address) && !taken.has(address);
    const asked = service.spec?.loadBalancerIP;
    const address = [before, asked].find(isFree) ?? pool.choose(taken, `${cluster} ${namespace}/${name}`);
    if (address === undefined) continue;
    taken.add(address);
    wanted.add(address);
    if (!held.includes(address)) await changeAddress(node, "add", address);
    if (address !== before) await writeStatus(client, service, [{ ip: address }]);
  }
  for (const address of held) if (!wanted.has(address)) await changeAddress(node, "del", address);
  for (const service of services.filter((one) => !isBalanced(one) && ingressOf(one).some((ip) => pool.has(ip))))
    await writeStatus(client, service, []);
}

const isBalanced = ({ spec, metadata }: Service): boolean =>
  spec?.type === "LoadBalancer" && spec.loadBalancerClass === undefined && metadata.deletionTimestamp === undefined;

const ingressOf = ({ status }: Service): readonly string[] =>
  (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? "");

async function writeStatus(client: KubeClient, service: Service, ingress: readonly { ip: string }[]): Promise<void> {
  const { namespace = "", name = "" } = service.metadata;
  const status = { loadBalancer: ingress.length === 0 ? null : { ingress } };
  await client.patch(resources.services, { namespace, name }, { status }, { type: "merge", subresource: "status" });
}

async function poolOf({ docker }: Engine, { container }: KindNode): Promise<AddressPool | undefined> {
  const { NetworkSettings } = await container.inspect();
  const [name] = Object.keys(NetworkSettings.Networks);
  if (name === undefined) return undefined;
  const network = (await docker.getNetwork(name).inspect()) as {
    readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] };
  };
  const pools = (network.IPAM?.Config ?? []).map(({ Subnet = "" }) => addressPool(Subnet));
  return pools.find((pool) => pool !== undefined);
}

/** What Services of other clusters on the same network have. */
async function addressesOfOthers(engine: Engine, cluster: string): Promise<readonly string[]> {
  const nodes = (await listAllNodes(engine)).filter((node) => node.cluster !== cluster && node.running);
  return (await Promise.all(nodes.map((node) => addressesOf(node, MARK).catch(() => [])))).flat();
}

async function addressesOf(node: KindNode, label: string): Promise<readonly string[]> {
  const lines = await runInNode(node, { args: ["ip", "-4", "-o", "address", "show", "dev", DEVICE, "label", label] });
  return [...lines.matchAll(/ inet ([\d.]+)\/32 /g)].map(([, address = ""]) => address);
}

async function changeAddress(node: KindNode, verb: "add" | "del", address: string): Promise<void> {
  const label = verb === "add" ? ["label", MARK] : [];
  await runInNode(node, { args: ["ip", "address", verb, `${address}/32`, "dev", DEVICE, ...label] });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
