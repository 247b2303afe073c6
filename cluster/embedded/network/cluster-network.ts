import { type ObjectCache, watchCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import { coreV1, type Resources, type ResourceType } from "../machinery/resources.ts";
import { startDnsServer } from "./dns-server.ts";
import { buildZone, type DnsZone } from "./dns-zone.ts";
import { startLoadBalancers } from "./load-balancer.ts";
import type { Namespace, NetworkPolicy, Pod } from "./policy-model.ts";
import type { EndpointSlice, Service } from "./service-model.ts";
import { type PolicySources, startServiceRouter } from "./service-router.ts";

export interface ClusterNetworkOptions {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly services: ObjectCache<Service>;
  readonly dns: { readonly server: string; readonly domain: string };
  readonly nodeAddresses: readonly string[];
  readonly ownAddresses: readonly string[];
  readonly podCidr: string;
}

const endpointSlices: ResourceType = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
const networkPolicies: ResourceType = { group: "networking.k8s.io", version: "v1", resource: "networkpolicies" };

/** Starts service routing, network policies, load-balancer addresses and DNS. Resolves when all of them work. */
export async function startClusterNetwork(options: ClusterNetworkOptions): Promise<{ close(): Promise<void> }> {
  const { resources, clock, logger, services } = options;
  const slices = watchCache<EndpointSlice>(resources, endpointSlices);
  const policies = policySources(resources, options.dns.server);
  const watches = [slices, policies.policies, policies.pods, policies.namespaces];
  await Promise.all(watches.map((watch) => watch.synced));
  const zone = currentZone(options.dns.domain, services, slices);
  const stopDns = await startDnsServer({ address: options.dns.server, port: 53, zone: zone.get, logger });
  const stopRouter = await startServiceRouter({
    clock,
    logger,
    services,
    slices,
    policies,
    rules: { nodeAddresses: options.nodeAddresses, podCidr: options.podCidr, ownAddresses: options.ownAddresses },
  });
  const stopBalancers = startLoadBalancers({ resources, logger, services });
  return {
    close: async () => {
      stopBalancers();
      zone.close();
      for (const watch of watches) watch.close();
      await Promise.all([stopDns(), stopRouter()]);
    },
  };
}

/** The name service is selected by the labels that its Service has and that its pods have elsewhere. */
function policySources(resources: Resources, dnsAddress: string): PolicySources {
  const ports = ["UDP", "TCP"].map((protocol) => ({
    name: protocol === "UDP" ? "dns" : "dns-tcp",
    protocol,
    port: 53,
  }));
  return {
    policies: watchCache<NetworkPolicy>(resources, networkPolicies),
    pods: watchCache<Pod>(resources, coreV1("pods")),
    namespaces: watchCache<Namespace>(resources, coreV1("namespaces")),
    dns: { namespace: "kube-system", labels: { "k8s-app": "kube-dns" }, address: dnsAddress, ports },
  };
}

/** The zone is built when somebody asks after a change, not at each change. */
function currentZone(
  domain: string,
  services: ObjectCache<Service>,
  slices: ObjectCache<EndpointSlice>,
): { get: () => DnsZone; close: () => void } {
  let zone: DnsZone | undefined;
  const forget = (): void => {
    zone = undefined;
  };
  const disposers = [services.onChange(forget), slices.onChange(forget)];
  return {
    get: () => {
      zone ??= buildZone(domain, services.all(), slices.all());
      return zone;
    },
    close: () => {
      for (const dispose of disposers) dispose();
    },
  };
}
