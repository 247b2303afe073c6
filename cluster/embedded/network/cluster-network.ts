import { type ObjectCache, watchCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import type { Resources, ResourceType } from "../machinery/resources.ts";
import { startDnsServer } from "./dns-server.ts";
import { buildZone, type DnsZone } from "./dns-zone.ts";
import { startLoadBalancers } from "./load-balancer.ts";
import { watchPolicies } from "./policy-source.ts";
import type { EndpointSlice, Service } from "./service-model.ts";
import { startServiceRouter } from "./service-router.ts";

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

/** Starts service routing, network policies, load-balancer addresses and DNS. Resolves when all of them work. */
export async function startClusterNetwork(options: ClusterNetworkOptions): Promise<{ close(): Promise<void> }> {
  const { resources, clock, logger, services } = options;
  const slices = watchCache<EndpointSlice>(resources, endpointSlices);
  await slices.synced;
  const zone = currentZone(options.dns.domain, services, slices);
  const stopDns = await startDnsServer({ address: options.dns.server, port: 53, zone: zone.get, logger });
  const policies = await watchPolicies(resources, options.dns.server);
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
      slices.close();
      policies.close();
      await Promise.all([stopDns(), stopRouter()]);
    },
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
