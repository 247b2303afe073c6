import { setTimeout as delay } from "node:timers/promises";
import { clusterDomain, ISTIO_VERSION, PROXY_MARK } from "#api/names.ts";
import { KubeClient } from "#kube/client.ts";
import type { Connection } from "#kube/connection.ts";
import { chooseCapture } from "#mesh/capture/choose-capture.ts";
import { networkNamespaces } from "#mesh/capture/namespaces.ts";
import { serveRoutes } from "#mesh/lib/admin/http.ts";
import { refusals } from "#mesh/lib/admin/refusals.ts";
import { type Connect, controlPlaneConnector } from "#mesh/lib/control-plane/connect.ts";
import { collectProcessUse } from "#mesh/lib/metrics/process-use.ts";
import { Registry } from "#mesh/lib/metrics/registry.ts";
import { addressType, authorizationType } from "#mesh/lib/xds/ambient-types.ts";
import { XdsClient } from "#mesh/lib/xds/client.ts";
import { type AdminSources, adminRoutes, readinessRoutes, statsRoutes } from "./admin/routes.ts";
import type { Certificates } from "./certificates.ts";
import type { ZtunnelConfig } from "./config.ts";
import { DnsMetrics } from "./dns/metrics.ts";
import { nameServers } from "./dns/upstream.ts";
import { NodePods } from "./enrolment/node-pods.ts";
import { findPodNetwork } from "./enrolment/pod-networks.ts";
import { identitiesOf } from "./identities.ts";
import type { Log } from "./log.ts";
import { nodeOf } from "./node.ts";
import { AddressBook } from "./state/address-book.ts";
import { Policies } from "./state/policies.ts";
import { Connections } from "./telemetry/connections.ts";
import { TcpMetrics } from "./telemetry/metrics.ts";
import type { ProxyContext } from "./traffic/context.ts";

/** How long to wait for pods that cannot be captured. */
const CAPTURE_MS = 10_000;

export interface ZtunnelOptions {
  readonly connection: Connection;
  readonly log: Log;
  /** Somebody asked it to end by the admin port. */
  readonly onQuit: () => void;
}

export interface Ztunnel {
  /** Takes nothing new, gives connections their time, ends. */
  stop(): Promise<void>;
}

/** Builds the node's proxy and starts it: what it knows comes from the control plane, whom it captures from the Kubernetes API. */
export async function buildZtunnel(config: ZtunnelConfig, options: ZtunnelOptions): Promise<Ztunnel> {
  const { log } = options;
  const registry = new Registry();
  collectProcessUse(registry);
  const connect = controlPlaneConnector(config);
  const identities = identitiesOf(config, { connect, log });
  const { certificates, revocation } = identities;
  const { context, xds } = listenToControlPlane(config, { connect, log, registry, certificates });
  const client = new KubeClient(options.connection);
  const open = networkNamespaces(PROXY_MARK);
  const findNetwork = (address: string) => findPodNetwork({ folder: config.files.namespaces, open }, address);
  const capture = chooseCapture(config.capture, { groups: config.files.groups, log: log.part("inpod") });
  let patience = true;
  let ending = false;
  const sources: AdminSources = {
    ...context,
    revocation,
    log,
    registry,
    capture: capture.name,
    version: ISTIO_VERSION,
    notReady: () => {
      if (ending) return "it is ending";
      if (!isTold(xds)) return "the control plane has not told what there is yet";
      return patience ? "pods of the node are not captured yet" : undefined;
    },
    quit: options.onQuit,
  };
  const servers = await Promise.all([
    serveRoutes(adminRoutes(sources), { host: "127.0.0.1", port: config.ports.admin }),
    serveRoutes(statsRoutes(sources), {
      host: "0.0.0.0",
      port: config.ports.stats,
      onRefused: refusals(registry, log.part("admin")),
    }),
    serveRoutes(readinessRoutes(sources), { host: "0.0.0.0", port: config.ports.readiness }),
  ]);
  await identities.start();
  xds.start();
  const host = { context, capture, log: log.part("inpod"), findNetwork, isTold: () => isTold(xds) };
  const { node, trustDomain, dnsCapture } = config;
  const pods = new NodePods({ client, node, trustDomain, dnsCapture, host, log: log.part("cni") });
  // A predecessor ends when this one is ready: then its pods must be ours. One that cannot be captured holds nobody up for long.
  void pods.ready.then(async () => {
    const end = Date.now() + CAPTURE_MS;
    do await delay(20);
    while (Date.now() < end && (!isTold(xds) || pods.pending > 0));
    patience = false;
  });
  return {
    stop: async () => {
      ending = true;
      const replaced = pods.hasSuccessor(config.pod);
      pods.stop();
      // Alone, the sooner it is gone the sooner another may take its place.
      if (replaced) await Promise.race([pods.drain(), delay(config.drainMs)]);
      xds.close();
      identities.close();
      client.close();
      for (const server of servers) server.close();
    },
  };
}

function listenToControlPlane(
  config: ZtunnelConfig,
  {
    connect,
    log,
    registry,
    certificates,
  }: {
    readonly connect: Connect;
    readonly log: Log;
    readonly registry: Registry;
    readonly certificates: Certificates;
  },
): { readonly context: ProxyContext; readonly xds: XdsClient } {
  const context: ProxyContext = {
    book: new AddressBook(),
    policies: new Policies(),
    certificates,
    connections: new Connections({ log, metrics: new TcpMetrics(registry) }),
    dns: {
      domain: clusterDomain,
      upstream: nameServers(config.files.resolver),
      metrics: new DnsMetrics(registry),
    },
    log: log.part("proxy"),
    cluster: config.cluster,
    random: Math.random,
  };
  const xds = new XdsClient({
    protocol: "delta",
    node: nodeOf(config),
    connect: () => connect(config.discoveryAddress),
    log: log.part("xds"),
  });
  // Which policies a workload has comes with its address.
  xds.subscribe(addressType, undefined, (changes) => {
    context.book.apply(changes);
    context.connections.recheck();
  });
  xds.subscribe(authorizationType, undefined, (changes) => {
    context.policies.apply(changes);
    context.connections.recheck();
  });
  return { context, xds };
}

/** Whether every type was answered, if only with nothing. */
const isTold = (xds: XdsClient): boolean => xds.status().types.every(({ accepted }) => accepted > 0);
