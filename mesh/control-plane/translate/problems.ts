import { resolveHost } from "../model/host.ts";
import type { GatewaySpec } from "../model/other-kinds.ts";
import type { Config, ConfigProblem, Snapshot } from "../model/snapshot.ts";
import { unknownCipherSuites } from "../model/tls-settings.ts";
import type { Destination } from "../model/virtual-service.ts";
import { destinationsIn } from "./destinations.ts";
import { credentialNames } from "./gateway-tls.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { VirtualService } from "./scope.ts";
import { findSecurityProblems } from "./security-problems.ts";
import { terminates } from "./server-names.ts";

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
    ...unknownCiphers(snapshot),
    ...snapshot.gateways.flatMap((gateway) => credentialProblems(snapshot, gateway)),
    ...findSecurityProblems(snapshot),
  ];
}

function problemsOf(snapshot: Snapshot, config: VirtualService): readonly ConfigProblem[] {
  const messages = [
    ...destinationsIn(config.spec).flatMap((destination) => problemOf(snapshot, config, destination) ?? []),
    ...missingGateways(snapshot, config),
    ...foreignHosts(snapshot, config),
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

/** As in Istio, a VirtualService counts for a host of another namespace if it is exported to the callers: its owner should know. */
function foreignHosts(snapshot: Snapshot, { origin, spec }: VirtualService): readonly string[] {
  const exportTo = spec.exportTo?.length ? spec.exportTo : snapshot.mesh.defaultVirtualServiceExportTo;
  const inMesh = spec.gateways === undefined || spec.gateways.length === 0 || spec.gateways.includes("mesh");
  if (!inMesh || origin.namespace === snapshot.mesh.rootNamespace || exportTo.every((target) => target === "."))
    return [];
  return (spec.hosts ?? []).flatMap((host) => {
    const owner = snapshot.services.get(resolveHost(host, origin.namespace, snapshot.domain));
    if (owner === undefined || owner.external || owner.namespace === origin.namespace) return [];
    return [`routes calls to ${owner.hostname}, which belongs to namespace ${owner.namespace}`];
  });
}

function missingGateways(snapshot: Snapshot, { origin, spec }: VirtualService): readonly string[] {
  const known = new Set(snapshot.gateways.map((gateway) => `${gateway.origin.namespace}/${gateway.origin.name}`));
  return (spec.gateways ?? [])
    .filter((name) => name !== "mesh" && !known.has(name.includes("/") ? name : `${origin.namespace}/${name}`))
    .map((name) => `gateway ${name} does not exist`);
}

/** Secrets that a gateway's servers name and that are not there, or not of use, where the gateway's pods run. */
function credentialProblems(snapshot: Snapshot, { origin, spec }: Config<GatewaySpec>): readonly ConfigProblem[] {
  const servers = (spec.servers ?? []).filter(terminates);
  if (servers.length === 0) return [];
  const pods = [...snapshot.workloads.values()].filter(({ labels }) => hasLabels(labels, spec.selector ?? {}));
  const messages = [...new Set(pods.map(({ namespace }) => namespace))].flatMap((namespace) =>
    servers.flatMap(({ port, tls = {} }) =>
      credentialNames(tls).flatMap((name) => {
        const credential = snapshot.credentials.get(`${namespace}/${name}`);
        if (credential !== undefined && credential.fault === undefined) return [];
        const what = credential === undefined ? "does not exist there, where the gateway's pods run" : credential.fault;
        return [`server ${port.name ?? port.number}: Secret ${name} of namespace ${namespace} ${what}`];
      }),
    ),
  );
  return messages.map((message) => ({ object: origin, message }));
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

function unknownCiphers({ gateways }: Snapshot): readonly ConfigProblem[] {
  return gateways.flatMap(({ origin, spec }) =>
    (spec.servers ?? []).flatMap(({ port, tls }) =>
      unknownCipherSuites(tls?.cipherSuites).map((suite) => ({
        object: origin,
        message: `cipher suite ${suite} of the server on port ${port.number} is not known and left out`,
      })),
    ),
  );
}
