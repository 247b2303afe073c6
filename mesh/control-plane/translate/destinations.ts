import { resolveHost } from "../model/host.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import type { Destination, VirtualServiceSpec } from "../model/virtual-service.ts";
import { outboundCluster } from "./names.ts";
import type { Destinations } from "./route-action.ts";
import type { Scope, VirtualService } from "./scope.ts";
import { policyFor } from "./traffic-policy.ts";

/** What a destination's cluster is called. */
export type ClusterNaming = (destination: {
  readonly host: string;
  readonly service: Service | undefined;
  readonly port: number;
  readonly subset: string;
}) => string;

/**
 * Resolves destinations of a VirtualService for a client. A missing port is the service's only one, else the one that the client
 * dialled. A host or subset that does not exist gives a cluster that does not exist: Envoy then answers 503 with flag NC.
 */
export function destinationsFor(
  snapshot: Snapshot,
  scope: Scope,
  at: { virtualService: VirtualService; port: number; nameOf?: ClusterNaming },
): Destinations {
  const nameOf = at.nameOf ?? (({ port, subset, host }) => outboundCluster(port, subset, host));
  const resolve = (destination: Destination) => {
    const host = resolveHost(destination.host, at.virtualService.origin.namespace, snapshot.domain);
    const service = snapshot.services.get(host);
    const onlyPort = service?.ports.length === 1 ? service.ports[0]?.port : undefined;
    return { host, service, port: destination.port?.number ?? onlyPort ?? at.port };
  };
  return {
    cluster: (destination) => {
      return nameOf({ ...resolve(destination), subset: destination.subset ?? "" });
    },
    hashing: (destination) => {
      const { host, service, port } = resolve(destination);
      const rule = scope.destinationRule(host, service?.namespace);
      const subset = rule?.spec.subsets?.find(({ name }) => name === destination.subset);
      return policyFor(rule?.spec.trafficPolicy, subset?.trafficPolicy, port).loadBalancer?.consistentHash;
    },
  };
}

/** Every destination that a VirtualService names, mirrors included. */
export function destinationsIn(spec: VirtualServiceSpec): readonly Destination[] {
  const http = (spec.http ?? []).flatMap((route) => [
    ...(route.route ?? []).map(({ destination }) => destination),
    ...(route.mirrors ?? []).map(({ destination }) => destination),
    ...(route.mirror === undefined ? [] : [route.mirror]),
  ]);
  const l4 = [...(spec.tcp ?? []), ...(spec.tls ?? [])].flatMap((route) => route.route ?? []);
  return [...http, ...l4.map(({ destination }) => destination)];
}

/** The services and rules behind a VirtualService's destinations: what its routes have to be rebuilt for. */
export function dependenciesOf(snapshot: Snapshot, scope: Scope, virtualService: VirtualService): readonly unknown[] {
  return destinationsIn(virtualService.spec).flatMap((destination) => {
    const host = resolveHost(destination.host, virtualService.origin.namespace, snapshot.domain);
    const service = snapshot.services.get(host);
    return [service, scope.destinationRule(host, service?.namespace)];
  });
}
