import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { clusterDomain, clusterId, labels } from "#api/names.ts";
import { type AuthorizationPolicy, authorizationPolicySpec } from "../model/authorization-policy.ts";
import { resolveDelegates } from "../model/delegate.ts";
import { destinationRuleSpec } from "../model/destination-rule.ts";
import type { MeshConfig } from "../model/mesh-config.ts";
import {
  gatewaySpec,
  peerAuthenticationSpec,
  type ServiceEntry,
  serviceEntrySpec,
  sidecarSpec,
  workloadEntrySpec,
} from "../model/other-kinds.ts";
import { type KeySource, keySourceOf, requestAuthenticationSpec } from "../model/request-authentication.ts";
import type { Config, ConfigProblem, Locality, Service, Snapshot, Workload } from "../model/snapshot.ts";
import { virtualServiceSpec } from "../model/virtual-service.ts";
import { withAutoAddresses } from "./auto-addresses.ts";
import { findMistakes } from "./check-spec.ts";
import { withoutClaims } from "./claims.ts";
import { joinEndpoints } from "./endpoints.ts";
import { MeshSettings } from "./mesh-settings.ts";
import {
  isPodReady,
  originOf,
  parseNode,
  parsePod,
  parseService,
  parseSlice,
  type Slice,
  specOf,
} from "./parse-core.ts";
import { parseCredential } from "./parse-credential.ts";
import { kindOf, kubernetesGatewayKind, parseKubernetesGateway, parseNamespace } from "./parse-gateway.ts";
import { servicesOf } from "./parse-service-entry.ts";
import { Table } from "./table.ts";
import { trafficDistribution } from "./traffic-distribution.ts";

export interface StoreOptions {
  readonly domain?: string;
  readonly clusterId?: string;
  readonly rootNamespace?: string;
  /** Name of a shared ConfigMap with MeshConfig. */
  readonly sharedMeshConfig?: string;
}

/** What changed: nothing that proxies could notice, endpoints only, or something that needs everything looked at. */
export type Change = "none" | "endpoints" | "config";

const noKeySets: ReadonlyMap<string, string> = new Map();
const noReadiness: ReadonlyMap<string, boolean> = new Map();

const config =
  <Spec>(schema: z.ZodType<Spec>) =>
  (object: KubeObject): Config<Spec> => {
    const spec = specOf(object);
    const mistakes = findMistakes(spec);
    if (mistakes.length > 0) throw new Error(mistakes.join("; "));
    return { origin: originOf(object), spec: schema.parse(spec) };
  };

const authorizationPolicy = (object: KubeObject): Config<AuthorizationPolicy> => {
  const { origin, spec } = config(authorizationPolicySpec)(object);
  return { origin, spec: { ...spec, dryRun: object.metadata.annotations?.["istio.io/dry-run"] === "true" } };
};

const serviceEntry = (object: KubeObject): Config<ServiceEntry> => {
  const { origin, spec } = config(serviceEntrySpec)(object);
  const { labels: own = {}, annotations = {} } = object.metadata;
  const autoAllocates = own[labels.enableAutoallocateIp]?.toLowerCase() !== "false";
  return { origin, spec: { ...spec, labels: own, autoAllocates, distribution: trafficDistribution({}, annotations) } };
};

/**
 * All objects that configuration is made from, parsed once as they come. Builds immutable snapshots that share what did not
 * change. An object that does not parse is left out, and why is kept for the status pages.
 */
export class ConfigStore {
  readonly #domain: string;
  readonly #clusterId: string;
  readonly #settings: MeshSettings;
  #generation = 0;
  readonly #versions = new Map<string, string>();
  /** Generation of the first snapshot that has an object as it is. */
  readonly #since = new Map<string, number>();
  readonly #problems = new Map<string, ConfigProblem>();
  #claims: readonly ConfigProblem[] = [];
  readonly #services = new Table(
    (object): Service => parseService(object, this.#domain, this.mesh.defaultServiceExportTo),
  );
  readonly #pods = new Table(parsePod);
  readonly #readiness = new Table(isPodReady);
  readonly #slices = new Table(parseSlice);
  readonly #virtualServices = new Table(config(virtualServiceSpec));
  readonly #destinationRules = new Table(config(destinationRuleSpec));
  readonly #gateways = new Table(config(gatewaySpec));
  readonly #kubernetesGateways = new Table(parseKubernetesGateway);
  readonly #namespaces = new Table(parseNamespace);
  readonly #serviceEntries = new Table(serviceEntry);
  readonly #workloadEntries = new Table(config(workloadEntrySpec));
  readonly #sidecars = new Table(config(sidecarSpec));
  readonly #peerAuthentications = new Table(config(peerAuthenticationSpec));
  readonly #authorizationPolicies = new Table(authorizationPolicy);
  readonly #nodes = new Table(parseNode);
  readonly #credentials = new Table(parseCredential);
  readonly #requestAuthentications = new Table(config(requestAuthenticationSpec));
  #namespaceLabels: { from: Snapshot["namespaceLabels"]; labels: Snapshot["namespaceLabels"] } | undefined;
  #resolved: { from: Snapshot["virtualServices"]; resolved: Snapshot["virtualServices"] } | undefined;
  #joined: { deps: readonly unknown[]; endpoints: Snapshot["endpoints"] } | undefined;
  #localities: { from: ReadonlyMap<string, Locality>; nodes: Snapshot["nodes"] } | undefined;
  #registry: { deps: readonly unknown[]; services: Snapshot["services"] } | undefined;

  constructor(options: StoreOptions = {}) {
    this.#domain = options.domain ?? clusterDomain;
    this.#clusterId = options.clusterId ?? clusterId;
    const { rootNamespace = "istio-system", sharedMeshConfig: shared = "" } = options;
    this.#settings = new MeshSettings({ rootNamespace, shared });
  }

  /** Takes over an object as it is now. */
  put(object: KubeObject): Change {
    const key = keyOf(object);
    try {
      const changed = this.#put(object);
      if (object.kind === "ConfigMap") return this.#putMesh(object);
      if (changed === undefined) return "none";
      this.#problems.delete(key);
      if (isConfiguration(object.kind)) this.#versions.set(key, object.metadata.resourceVersion ?? "");
      if (!changed) return "none";
      if (isConfiguration(object.kind)) this.#since.set(key, this.#generation + 1);
      return changeOf(object.kind);
    } catch (error) {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
      this.#problems.set(key, { object: originOf(object), message });
      return this.#table(kindOf(object))?.delete(object) === true ? changeOf(object.kind) : "none";
    }
  }

  /** Whether a pod is ready matters only where ServiceEntries select pods: elsewhere that is no change. */
  #put(object: KubeObject): boolean | undefined {
    const changed = this.#table(kindOf(object))?.put(object);
    if (object.kind !== "Pod") return changed;
    return (this.#readiness.put(object) && this.#selectsPods) || changed;
  }

  get #selectsPods(): boolean {
    return this.#serviceEntries.oldestFirst.some(({ spec }) => spec.workloadSelector !== undefined);
  }

  /** Forgets an object. */
  delete(object: KubeObject): Change {
    const key = keyOf(object);
    this.#problems.delete(key);
    this.#versions.delete(key);
    this.#since.delete(key);
    if (object.kind === "Pod") this.#readiness.delete(object);
    if (object.kind === "ConfigMap") return this.#settings.delete(object) ? "config" : "none";
    return this.#table(kindOf(object))?.delete(object) === true ? changeOf(object.kind) : "none";
  }

  /** The mesh's configuration in force. */
  get mesh(): MeshConfig {
    return this.#settings.current;
  }

  /** What is wrong with the mesh's configuration; the former one goes on. */
  get meshProblem(): string | undefined {
    return this.#settings.sources.map((source) => this.#problems.get(source)?.message).find(Boolean);
  }

  /** Objects that could not be read. */
  get problems(): readonly ConfigProblem[] {
    return [...this.#problems.values(), ...this.#claims];
  }

  /**
   * The version of an object ("Kind/namespace/name") that is in force and the generation since which it is, for finding out who
   * has it. A version that changes nothing counts as the one before.
   */
  inclusionOf(key: string): { readonly resourceVersion: string; readonly generation: number } | undefined {
    const resourceVersion = this.#versions.get(key);
    return resourceVersion === undefined ? undefined : { resourceVersion, generation: this.#since.get(key) ?? 0 };
  }

  /** Where keys are to be fetched from. */
  get keySources(): readonly KeySource[] {
    return this.#requestAuthentications.oldestFirst
      .flatMap(({ spec }) => spec.jwtRules)
      .flatMap((rule) => keySourceOf(rule) ?? []);
  }

  /**
   * What is known now, as an immutable value.
   * @param keySets keys that were fetched, by the address of their source
   */
  build(keySets: ReadonlyMap<string, string> = noKeySets): Snapshot {
    this.#generation += 1;
    return {
      generation: this.#generation,
      domain: this.#domain,
      clusterId: this.#clusterId,
      mesh: this.mesh,
      services: this.#allServices(),
      endpoints: this.#allEndpoints(),
      workloads: this.#pods.map as ReadonlyMap<string, Workload>,
      nodes: this.#nodesByName(),
      virtualServices: this.#allVirtualServices(),
      destinationRules: this.#destinationRules.oldestFirst,
      gateways: this.#gateways.oldestFirst,
      kubernetesGateways: this.#kubernetesGateways.map,
      namespaceLabels: this.#labelsByNamespace(),
      peerAuthentications: this.#peerAuthentications.oldestFirst,
      authorizationPolicies: this.#authorizationPolicies.oldestFirst,
      requestAuthentications: this.#requestAuthentications.oldestFirst,
      keySets,
      sidecars: this.#sidecars.oldestFirst,
      credentials: this.#credentials.map as Snapshot["credentials"],
      versions: new Map(this.#versions),
    };
  }

  #nodesByName(): Snapshot["nodes"] {
    const from = this.#nodes.map as ReadonlyMap<string, Locality>;
    if (this.#localities?.from !== from)
      // Nodes have no namespace: their keys begin with the slash after it.
      this.#localities = { from, nodes: new Map([...from].map(([key, locality]) => [key.slice(1), locality])) };
    return this.#localities.nodes;
  }

  #labelsByNamespace(): Snapshot["namespaceLabels"] {
    const from = this.#namespaces.map;
    // Cluster-wide objects are kept under "/name".
    if (this.#namespaceLabels?.from !== from)
      this.#namespaceLabels = { from, labels: new Map([...from].map(([key, labels]) => [key.slice(1), labels])) };
    return this.#namespaceLabels.labels;
  }

  #allVirtualServices(): Snapshot["virtualServices"] {
    const from = this.#virtualServices.oldestFirst;
    if (this.#resolved?.from !== from) this.#resolved = { from, resolved: resolveDelegates(from) };
    return this.#resolved.resolved;
  }

  #allServices(): Snapshot["services"] {
    const deps = [this.#services.map, this.#serviceEntries.map, this.mesh];
    if (this.#registry === undefined || !same(this.#registry.deps, deps)) {
      const external = withAutoAddresses(
        this.#serviceEntries.oldestFirst.map((entry) => ({
          wanted: entry.spec.autoAllocates,
          services: servicesOf(entry.origin, entry.spec, this.mesh.defaultServiceExportTo),
        })),
      );
      const services = [...this.#services.map.values()];
      // A Service that is exported to nobody leaves its name to a ServiceEntry.
      const hidden = services.filter(({ exportTo }) => exportTo.includes("~"));
      const owned = services.filter((service) => !hidden.includes(service));
      const { services: unclaimed, problems } = withoutClaims(external, owned);
      this.#claims = problems;
      const all = [...hidden, ...unclaimed, ...owned];
      const sorted = all.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1));
      this.#registry = { deps, services: new Map(sorted.map((service) => [service.hostname, service])) };
    }
    return this.#registry.services;
  }

  #allEndpoints(): Snapshot["endpoints"] {
    const workloadEntries = this.#workloadEntries.oldestFirst;
    const readiness = this.#selectsPods ? this.#readiness.map : noReadiness;
    // Services themselves matter only to workloads that stand beside their pods.
    const beside = workloadEntries.length === 0 ? undefined : this.#services.map;
    const deps = [this.#slices.map, this.#pods.map, this.#serviceEntries.map, workloadEntries, readiness, beside];
    if (this.#joined === undefined || !same(this.#joined.deps, deps)) {
      const slices = [...this.#slices.map.values()] as readonly Slice[];
      const pods = this.#pods.map as ReadonlyMap<string, Workload>;
      const entries = [...this.#serviceEntries.map.values()];
      const services = this.#services.map.values();
      const before = this.#joined?.endpoints ?? new Map();
      const input = { slices, pods, readiness, entries, workloadEntries, services, domain: this.#domain };
      this.#joined = { deps, endpoints: joinEndpoints(input, before) };
    }
    return this.#joined.endpoints;
  }

  #putMesh(object: KubeObject): Change {
    const changed = this.#settings.put(object);
    this.#problems.delete(keyOf(object));
    return changed ? "config" : "none";
  }

  #table(kind: string): Pick<Table<unknown>, "put" | "delete"> | undefined {
    switch (kind) {
      case "Service":
        return this.#services;
      case "Pod":
        return this.#pods;
      case "EndpointSlice":
        return this.#slices;
      case "Node":
        return this.#nodes;
      case "VirtualService":
        return this.#virtualServices;
      case "DestinationRule":
        return this.#destinationRules;
      case "Gateway":
        return this.#gateways;
      case kubernetesGatewayKind:
        return this.#kubernetesGateways;
      case "Namespace":
        return this.#namespaces;
      case "ServiceEntry":
        return this.#serviceEntries;
      case "WorkloadEntry":
        return this.#workloadEntries;
      case "Sidecar":
        return this.#sidecars;
      case "PeerAuthentication":
        return this.#peerAuthentications;
      case "AuthorizationPolicy":
        return this.#authorizationPolicies;
      case "Secret":
        return this.#credentials;
      case "RequestAuthentication":
        return this.#requestAuthentications;
      default:
        return undefined;
    }
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index]);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const keyOf = (object: KubeObject): string =>
  `${kindOf(object)}/${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;

const isConfiguration = (kind: string): boolean =>
  !["Pod", "EndpointSlice", "Node", "ConfigMap", "Secret", "Namespace"].includes(kind);

const changeOf = (kind: string): Change => (kind === "Pod" || kind === "EndpointSlice" ? "endpoints" : "config");
