/** Run by memory.ts: captures pods in network namespaces of its own and prints what the process takes, in megabytes by captured pods. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { PROXY_MARK, spiffeId } from "#api/names.ts";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import { iptablesCapture } from "#mesh/capture/iptables-capture.ts";
import { networkNamespaces } from "#mesh/capture/namespaces.ts";
import { createAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { Registry } from "#mesh/lib/metrics/registry.ts";
import { Certificates } from "#mesh/ztunnel/certificates.ts";
import { DnsMetrics } from "#mesh/ztunnel/dns/metrics.ts";
import { Log } from "#mesh/ztunnel/log.ts";
import { AddressBook } from "#mesh/ztunnel/state/address-book.ts";
import { Policies } from "#mesh/ztunnel/state/policies.ts";
import { Connections } from "#mesh/ztunnel/telemetry/connections.ts";
import { TcpMetrics } from "#mesh/ztunnel/telemetry/metrics.ts";
import type { ProxyContext } from "#mesh/ztunnel/traffic/context.ts";
import { PodProxy } from "#mesh/ztunnel/traffic/pod-proxy.ts";

const CLUSTER = "Kubernetes";
const LIFETIME_MS = 24 * 3600 * 1000;

function contextOf(): ProxyContext {
  const authority = createAuthority();
  // One key for all: making thousands of them by openssl would take minutes, and they are of one size.
  const { certificate, key } = authority.issue(spiffeId("shop", "cart"));
  authority.close();
  const log = new Log("error", () => undefined);
  const registry = new Registry();
  return {
    book: new AddressBook(),
    policies: new Policies(),
    certificates: new Certificates({
      revoked: () => [],
      log: log.part("identity"),
      request: async (id) => ({
        chain: certificate,
        privateKey: key,
        roots: authority.rootPem,
        spiffeId: id,
        serial: "1",
        notBefore: new Date(),
        notAfter: new Date(Date.now() + LIFETIME_MS),
      }),
    }),
    connections: new Connections({ log, metrics: new TcpMetrics(registry) }),
    dns: { domain: "cluster.local", upstream: [], metrics: new DnsMetrics(registry) },
    log: log.part("proxy"),
    cluster: CLUSTER,
    random: Math.random,
  };
}

function workload(index: number, address: string) {
  const uid = `${CLUSTER}//Pod/shop/pod-${index}`;
  const value = {
    uid,
    name: `pod-${index}`,
    namespace: "shop",
    serviceAccount: `account-${index}`,
    addresses: [Buffer.from(address.split(".").map(Number))],
    workloadName: `pod-${index}`,
    canonicalName: `pod-${index}`,
    canonicalRevision: "latest",
    clusterId: CLUSTER,
    node: "node",
    services: {
      [`shop/service-${index % 100}.shop.svc.cluster.local`]: { ports: [{ servicePort: 80, targetPort: 8080 }] },
    },
  };
  return { name: uid, version: "1", resource: Address.fromPartial({ type: { $case: "workload", value } }) };
}

async function captureMany(context: ProxyContext, from: number, to: number): Promise<void> {
  const open = networkNamespaces(PROXY_MARK);
  const capture = iptablesCapture();
  for (let index = from; index < to; index++) {
    execFileSync("ip", ["netns", "add", `pod-${index}`]);
    const address = `10.${244 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
    context.book.apply({ changed: [workload(index, address)], removed: [] });
    const identity = spiffeId("shop", `account-${index}`);
    await context.certificates.hold(identity).ready;
    new PodProxy(context, {
      uid: String(index),
      name: `pod-${index}`,
      namespace: "shop",
      address,
      identity,
      network: open(`/run/netns/pod-${index}`),
      capture,
      nodeAddresses: new Set(),
      probedPorts: new Set(),
    }).listen();
  }
}

function residentMegabytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
}

async function main(): Promise<void> {
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  mkdirSync("/run/netns");
  const context = contextOf();
  const rows: (readonly [number, number])[] = [[0, residentMegabytes()]];
  let captured = 0;
  for (const pods of [10, 1000]) {
    await captureMany(context, captured, pods);
    captured = pods;
    rows.push([pods, residentMegabytes()]);
  }
  console.log(JSON.stringify(rows));
  process.exit();
}

await main();
