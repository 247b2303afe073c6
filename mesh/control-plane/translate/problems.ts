import { resolveHost } from "../model/host.ts";
import type { ConfigProblem, Snapshot } from "../model/snapshot.ts";
import type { Destination } from "../model/virtual-service.ts";
import { destinationsIn } from "./destinations.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { VirtualService } from "./scope.ts";

/** What a snapshot's configuration names that is not there; translation goes on, requests will say 503 NC or UH. */
export function findProblems(snapshot: Snapshot): readonly ConfigProblem[] {
  return [
    ...snapshot.virtualServices.flatMap((config) => problemsOf(snapshot, config)),
    ...snapshot.destinationRules.flatMap(({ origin, spec }) => {
      const host = resolveHost(spec.host, origin.namespace, snapshot.domain);
      if (host.startsWith("*") || snapshot.services.has(host)) return [];
      return [{ object: origin, message: `host ${host} is no known service` }];
    }),
    ...idleSubsets(snapshot),
  ];
}

function problemsOf(snapshot: Snapshot, config: VirtualService): readonly ConfigProblem[] {
  const messages = [
    ...destinationsIn(config.spec).flatMap((destination) => problemOf(snapshot, config, destination) ?? []),
    ...missingGateways(snapshot, config),
  ];
  return [...new Set(messages)].map((message) => ({ object: config.origin, message }));
}

function problemOf(snapshot: Snapshot, { origin }: VirtualService, destination: Destination): string | undefined {
  const host = resolveHost(destination.host, origin.namespace, snapshot.domain);
  const service = snapshot.services.get(host);
  if (service === undefined) return `destination host ${host} is no known service`;
  const { port, subset } = destination;
  if (port !== undefined && !service.ports.some((one) => one.port === port.number)) {
    return `destination host ${host} has no port ${port.number}`;
  }
  if (subset === undefined) return undefined;
  const known = snapshot.destinationRules.some(
    (rule) =>
      resolveHost(rule.spec.host, rule.origin.namespace, snapshot.domain) === host &&
      rule.spec.subsets?.some(({ name }) => name === subset),
  );
  return known ? undefined : `no DestinationRule names subset ${subset} of host ${host}`;
}

function missingGateways(snapshot: Snapshot, { origin, spec }: VirtualService): readonly string[] {
  const known = new Set(snapshot.gateways.map((gateway) => `${gateway.origin.namespace}/${gateway.origin.name}`));
  return (spec.gateways ?? [])
    .filter((name) => name !== "mesh" && !known.has(name.includes("/") ? name : `${origin.namespace}/${name}`))
    .map((name) => `gateway ${name} does not exist`);
}

function idleSubsets(snapshot: Snapshot): readonly ConfigProblem[] {
  return snapshot.destinationRules.flatMap(({ origin, spec }) => {
    const endpoints = snapshot.endpoints.get(resolveHost(spec.host, origin.namespace, snapshot.domain));
    if (endpoints === undefined) return [];
    return (spec.subsets ?? [])
      .filter(({ labels }) => !endpoints.some((endpoint) => hasLabels(endpoint.labels, labels ?? {})))
      .map(({ name }) => ({ object: origin, message: `subset ${name} selects no ready pod` }));
  });
}
