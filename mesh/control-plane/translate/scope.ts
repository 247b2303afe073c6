import type { DestinationRuleSpec } from "../model/destination-rule.ts";
import { compareSpecificity, hostCovers, resolveHost } from "../model/host.ts";
import type { OutboundMode } from "../model/other-kinds.ts";
import type { Config, ProxyNode, Service, Snapshot } from "../model/snapshot.ts";
import type { VirtualServiceSpec } from "../model/virtual-service.ts";
import type { Memo } from "./memo.ts";
import { hasLabels } from "./peer-authentication.ts";
import { importsOf, outboundModeOf, sidecarFor } from "./sidecar-scope.ts";

export type VirtualService = Config<VirtualServiceSpec>;
export type DestinationRule = Config<DestinationRuleSpec>;

/** What the clients of one namespace (or those that a Sidecar selects) may see and which rule is in force for each host. */
export interface Scope {
  /** Clients of one view see the same. */
  readonly view: string;
  /** What happens to calls that lead to nothing known. */
  readonly outboundMode: OutboundMode;
  readonly services: readonly Service[];
  /** VirtualServices for sidecars, with full host names. */
  readonly meshRoutes: HostIndex<VirtualService>;
  destinationRule(host: string, serviceNamespace: string | undefined): DestinationRule | undefined;
}

/** Looks up by host name: an exact name first, then the narrowest pattern; of equals the first that was added. */
export class HostIndex<Value> {
  readonly #exact = new Map<string, Value>();
  readonly #patterns: (readonly [string, Value])[] = [];

  constructor(entries: Iterable<readonly [string, Value]>) {
    for (const [host, value] of entries) {
      if (host.startsWith("*")) this.#patterns.push([host, value]);
      else if (!this.#exact.has(host)) this.#exact.set(host, value);
    }
    this.#patterns.sort((a, b) => compareSpecificity(a[0], b[0]));
  }

  get(host: string): Value | undefined {
    return this.#exact.get(host) ?? this.#patterns.find(([pattern]) => hostCovers(pattern, host))?.[1];
  }

  filter(keep: (host: string, value: Value) => boolean): HostIndex<Value> {
    return new HostIndex([...this.entries()].filter(([host, value]) => keep(host, value)));
  }

  /** All hosts and patterns with their values. */
  *entries(): Iterable<readonly [string, Value]> {
    yield* this.#exact;
    yield* this.#patterns;
  }
}

/** Whether something of a namespace is exported to another one. Source: exportTo in Istio's API reference. */
export function isExported(exportTo: readonly string[], from: string, to: string): boolean {
  return exportTo.some((target) => target === "*" || (target === "." ? from === to : target === to));
}

const orDefault = (exportTo: readonly string[] | undefined, fallback: readonly string[]): readonly string[] =>
  exportTo === undefined || exportTo.length === 0 ? fallback : exportTo;

/** The view of a proxy on a snapshot. */
export function scopeOf(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): Scope {
  const sidecar = sidecarFor(snapshot, proxy);
  const whole = withSelectingRules(snapshot, proxy, namespaceScope(snapshot, proxy.namespace, memo));
  if (sidecar === undefined) return whole;
  const { origin } = sidecar;
  const view = `${whole.view} ${origin.namespace}/${origin.name}`;
  const imports = importsOf(sidecar, proxy.namespace);
  const outboundMode = outboundModeOf(snapshot, sidecar);
  if (imports === undefined) return { ...whole, view, outboundMode };
  const services = memo.get(`sidecar-services ${view}`, [whole.services, sidecar], () =>
    whole.services.filter((service) => imports(service.hostname, service.namespace)),
  );
  const meshRoutes = memo.get(`sidecar-routes ${view}`, [whole.meshRoutes, sidecar], () =>
    whole.meshRoutes.filter((host, { origin: from }) => imports(host, from.namespace)),
  );
  return { ...whole, view, outboundMode, services, meshRoutes };
}

/** DestinationRules of the proxy's own namespace that select it count before those for everybody. Source: Istio's DestinationRule reference. */
function withSelectingRules(snapshot: Snapshot, proxy: ProxyNode, scope: Scope): Scope {
  const selecting = snapshot.destinationRules.filter(
    ({ origin, spec }) =>
      origin.namespace === proxy.namespace &&
      spec.workloadSelector !== undefined &&
      hasLabels(proxy.labels, spec.workloadSelector.matchLabels ?? {}),
  );
  if (selecting.length === 0) return scope;
  const hosts = new HostIndex(
    selecting.map((rule) => [resolveHost(rule.spec.host, rule.origin.namespace, snapshot.domain), rule] as const),
  );
  return {
    ...scope,
    view: `${scope.view} ${selecting.map(({ origin }) => origin.name).join(" ")}`,
    destinationRule: (host, serviceNamespace) => hosts.get(host) ?? scope.destinationRule(host, serviceNamespace),
  };
}

function namespaceScope(snapshot: Snapshot, namespace: string, memo: Memo): Scope {
  const open = memo.get("scope-open", [snapshot.services, snapshot.virtualServices, snapshot.mesh], () => ({
    services: [...snapshot.services.values()].every(({ exportTo }) => exportTo.includes("*")),
    routes: snapshot.virtualServices.every(({ spec }) =>
      orDefault(spec.exportTo, snapshot.mesh.defaultVirtualServiceExportTo).includes("*"),
    ),
  }));
  // Where nothing is kept from anyone, all namespaces share one view.
  const services = memo.get(`scope-services ${open.services ? "*" : namespace}`, [snapshot.services], () =>
    [...snapshot.services.values()].filter((service) => isExported(service.exportTo, service.namespace, namespace)),
  );
  const routesKey = `scope-routes ${open.routes ? "*" : namespace}`;
  const meshRoutes = memo.get(routesKey, [snapshot.virtualServices, snapshot.mesh], () =>
    indexMeshRoutes(snapshot, namespace),
  );
  const rules = memo.get("scope-rules", [snapshot.destinationRules], () => indexRules(snapshot));
  return {
    view: namespace,
    outboundMode: outboundModeOf(snapshot, undefined),
    services,
    meshRoutes,
    destinationRule: (host, serviceNamespace) => findRule({ snapshot, rules, namespace, memo }, host, serviceNamespace),
  };
}

function indexMeshRoutes(snapshot: Snapshot, namespace: string): HostIndex<VirtualService> {
  const visible = snapshot.virtualServices.filter(
    ({ origin, spec }) =>
      (spec.gateways === undefined || spec.gateways.length === 0 || spec.gateways.includes("mesh")) &&
      isExported(orDefault(spec.exportTo, snapshot.mesh.defaultVirtualServiceExportTo), origin.namespace, namespace),
  );
  return new HostIndex(
    visible.flatMap((config) =>
      (config.spec.hosts ?? []).map(
        (host) => [resolveHost(host, config.origin.namespace, snapshot.domain), config] as const,
      ),
    ),
  );
}

type RulesByNamespace = ReadonlyMap<string, HostIndex<readonly DestinationRule[]>>;

function indexRules(snapshot: Snapshot): RulesByNamespace {
  const byNamespace = new Map<string, Map<string, DestinationRule[]>>();
  for (const rule of snapshot.destinationRules) {
    if (rule.spec.workloadSelector !== undefined) continue;
    const hosts = byNamespace.get(rule.origin.namespace) ?? new Map<string, DestinationRule[]>();
    byNamespace.set(rule.origin.namespace, hosts);
    const host = resolveHost(rule.spec.host, rule.origin.namespace, snapshot.domain);
    hosts.set(host, [...(hosts.get(host) ?? []), rule]);
  }
  return new Map([...byNamespace].map(([namespace, hosts]) => [namespace, new HostIndex(hosts)]));
}

interface RuleLookup {
  readonly snapshot: Snapshot;
  readonly rules: RulesByNamespace;
  readonly namespace: string;
  readonly memo: Memo;
}

/** The client's namespace decides first, then the service's, then the root namespace. Source: Istio's DestinationRule reference. */
function findRule(lookup: RuleLookup, host: string, serviceNamespace: string | undefined): DestinationRule | undefined {
  const { snapshot, rules, namespace } = lookup;
  const inNamespace = (from: string): DestinationRule | undefined => {
    const exported = rules
      .get(from)
      ?.get(host)
      ?.filter(({ origin, spec }) =>
        isExported(orDefault(spec.exportTo, snapshot.mesh.defaultDestinationRuleExportTo), origin.namespace, namespace),
      );
    return exported === undefined || exported.length === 0 ? undefined : merge(exported, lookup.memo);
  };
  const owner = serviceNamespace ?? namespace;
  const { rootNamespace } = snapshot.mesh;
  const own = inNamespace(namespace) ?? (owner === namespace ? undefined : inNamespace(owner));
  return own ?? (rootNamespace === namespace || rootNamespace === owner ? undefined : inNamespace(rootNamespace));
}

/** Several rules for one host in one namespace: the subsets of all, the oldest policy. */
function merge(rules: readonly DestinationRule[], memo: Memo): DestinationRule | undefined {
  const [first] = rules;
  if (first === undefined || rules.length === 1) return first;
  return memo.get(`merged-rule ${first.origin.namespace}/${first.origin.name}`, rules, () => {
    const subsets = rules.flatMap((rule) => rule.spec.subsets ?? []);
    const unique = subsets.filter(
      (subset, index) => subsets.findIndex((other) => other.name === subset.name) === index,
    );
    const policy = rules.find((rule) => rule.spec.trafficPolicy !== undefined)?.spec.trafficPolicy;
    return { origin: first.origin, spec: { ...first.spec, subsets: unique, trafficPolicy: policy } };
  });
}
