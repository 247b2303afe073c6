import { Authorization } from "#gen/istio/istio/security/authorization.ts";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import { anyToJson } from "#mesh/lib/xds/any-json.ts";
import { keySourceOf } from "../model/request-authentication.ts";
import type { ConfigProblem, Snapshot } from "../model/snapshot.ts";
import type { Pilot } from "../pilot.ts";
import type { ProxySession } from "../serve/proxy-session.ts";
import { findProblems } from "../translate/problems.ts";
import { ambientTypes, type EnvoyType, type ProxyConfig } from "../xds/resource.ts";
import { proxyAcks, syncEntry } from "./sync-status.ts";

/** An answer of the status server. */
export interface Page {
  readonly status: number;
  readonly body: unknown;
}

export type PageHandler = (pilot: Pilot, query: URLSearchParams) => Page;

const ok = (body: unknown): Page => ({ status: 200, body });
const notFound = (message: string): Page => ({ status: 404, body: { error: message } });

const sortedSessions = ({ distributor }: Pilot): readonly ProxySession[] =>
  [...distributor.sessions].toSorted((a, b) => (a.node.id < b.node.id ? -1 : 1));

/** Debug pages by path; what they show is no secret: certificates and keys never pass through here. */
export const pages: ReadonlyMap<string, PageHandler> = new Map<string, PageHandler>([
  ["/debug/syncz", (pilot) => ok(sortedSessions(pilot).map((one) => syncEntry(one, clusterIdOf(pilot))))],
  ["/debug/adsz", (pilot) => ok(adsz(pilot))],
  ["/debug/connections", (pilot) => ok(adsz(pilot))],
  ["/debug/configz", (pilot) => ok(configz(pilot))],
  ["/debug/endpointz", (pilot) => ok(endpointz(pilot))],
  ["/debug/endpointShardz", (pilot) => ok(endpointz(pilot))],
  ["/debug/registryz", (pilot) => ok([...(pilot.distributor.snapshot?.services.values() ?? [])])],
  ["/debug/mesh", (pilot) => ok(pilot.distributor.snapshot?.mesh ?? {})],
  ["/debug/push_status", (pilot) => ok(pushStatus(pilot))],
  ["/debug/config_dump", configDump],
  ["/debug/config_distribution", acks],
  ["/slipway/acks", acks],
  ["/slipway/problems", (pilot) => ok(problems(pilot))],
]);

const clusterIdOf = ({ distributor }: Pilot): string => distributor.snapshot?.clusterId ?? "";

function adsz(pilot: Pilot): unknown {
  const clients = sortedSessions(pilot).map((session) => ({
    connectionId: session.node.id,
    address: session.node.addresses[0] ?? "",
    labels: session.node.labels,
    watches: Object.fromEntries(
      [...session.watches].map(([type, watch]) => [type, watch.wildcard ? ["*"] : [...watch.names].toSorted()]),
    ),
    generation: session.config?.generation ?? 0,
  }));
  return { totalClients: clients.length, clients };
}

function configz({ distributor: { snapshot } }: Pilot): unknown {
  if (snapshot === undefined) return [];
  const { virtualServices, destinationRules, gateways } = snapshot;
  const { peerAuthentications, authorizationPolicies, requestAuthentications } = snapshot;
  const all = [
    ...virtualServices,
    ...destinationRules,
    ...gateways,
    ...peerAuthentications,
    ...authorizationPolicies,
    ...requestAuthentications,
  ];
  return all.map(({ origin, spec }) => ({
    kind: origin.kind,
    metadata: { name: origin.name, namespace: origin.namespace, resourceVersion: origin.resourceVersion },
    spec,
  }));
}

const endpointz = ({ distributor: { snapshot } }: Pilot): unknown =>
  [...(snapshot?.endpoints ?? [])].map(([hostname, endpoints]) => ({
    hostname,
    endpoints: endpoints.map(({ address, ports, workload }) => ({
      address,
      ports,
      workload: workload?.name,
      tlsMode: workload?.tlsMode ?? "disabled",
    })),
  }));

const problems = (pilot: Pilot): unknown => {
  const { snapshot } = pilot.distributor;
  const found = snapshot === undefined ? [] : [...findProblems(snapshot), ...missingKeys(pilot, snapshot)];
  return [...pilot.store.problems, ...found].map(({ object, message }) => ({
    kind: object.kind,
    namespace: object.namespace,
    name: object.name,
    message,
  }));
};

/** RequestAuthentications whose keys cannot be fetched: every token of such an issuer is refused. */
function missingKeys({ keySets }: Pilot, { requestAuthentications }: Snapshot): readonly ConfigProblem[] {
  const reasons = new Map(keySets.problems.map(({ url, message }) => [url, message]));
  return requestAuthentications.flatMap(({ origin, spec }) =>
    spec.jwtRules.flatMap((rule) => {
      const reason = reasons.get(keySourceOf(rule)?.url ?? "");
      return reason === undefined ? [] : [{ object: origin, message: `keys of ${rule.issuer}: ${reason}` }];
    }),
  );
}

const pushStatus = (pilot: Pilot): unknown => ({
  generation: pilot.distributor.snapshot?.generation ?? 0,
  ...pilot.distributor.metrics,
  rejections: pilot.record.rejections,
  problems: problems(pilot),
});

/**
 * Which proxies have a version of an object: `?resource=Kind/namespace/name`, optionally `&resourceVersion=`. Without a resource,
 * which snapshot each proxy has.
 */
function acks(pilot: Pilot, query: URLSearchParams): Page {
  const { distributor, store } = pilot;
  const proxies = sortedSessions(pilot).map(proxyAcks);
  const resource = query.get("resource");
  const generation = distributor.snapshot?.generation ?? 0;
  if (resource === null) return ok({ generation, proxies });
  const included = store.inclusionOf(resource);
  if (included === undefined) return notFound(`no object ${resource} is known`);
  const wanted = query.get("resourceVersion");
  if (wanted !== null && wanted !== included.resourceVersion) {
    return ok({ resource, ...included, generation, acknowledged: false, proxies });
  }
  const acknowledged = proxies.every(({ ackedGeneration }) => ackedGeneration >= included.generation);
  return ok({
    resource,
    resourceVersion: included.resourceVersion,
    since: included.generation,
    generation,
    acknowledged,
    proxies,
  });
}

/** What a proxy is to have, in the form of Envoy's own dump. */
function configDump({ distributor }: Pilot, query: URLSearchParams): Page {
  const id = query.get("proxyID");
  const session = [...distributor.sessions].find(({ node }) => node.id === id);
  if (session?.config === undefined)
    return notFound(`no proxy ${id ?? ""} is connected here; give ?proxyID=pod.namespace`);
  const { config, node } = session;
  if (node.type === "ztunnel") return ok(ambientDump(config));
  return ok({ configs: envoyTypes.map((type) => dumpOf(type, config)) });
}

const envoyTypes: readonly EnvoyType[] = ["CDS", "EDS", "LDS", "RDS"];

/** What a ztunnel is to have: addresses and authorizations. */
function ambientDump(config: ProxyConfig): unknown {
  const [addresses, authorizations] = ambientTypes.map((type) => [...config.resources[type].values()]);
  return {
    addresses: addresses?.map(({ body }) => Address.toJSON(Address.decode(body.value))),
    authorizations: authorizations?.map(({ body }) => Authorization.toJSON(Authorization.decode(body.value))),
  };
}

const dumpNames: Readonly<Record<EnvoyType, readonly [string, string, string]>> = {
  CDS: ["ClustersConfigDump", "dynamic_active_clusters", "cluster"],
  EDS: ["EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"],
  LDS: ["ListenersConfigDump", "dynamic_listeners", "listener"],
  RDS: ["RoutesConfigDump", "dynamic_route_configs", "route_config"],
};

function dumpOf(type: EnvoyType, config: ProxyConfig): unknown {
  const [message, list, field] = dumpNames[type];
  const entries = [...config.resources[type].values()].map(({ name, version, body }) => {
    const value = anyToJson(body.typeUrl, body.value);
    if (type === "LDS") return { name, active_state: { version_info: version, [field]: value } };
    return { version_info: version, [field]: value };
  });
  return { "@type": `type.googleapis.com/envoy.admin.v3.${message}`, [list]: entries };
}
