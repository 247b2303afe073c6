import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { ConfigError, type DataPlaneLog, type NamedResource } from "../data-plane.ts";
import type { SecretStore } from "../tls/secret-store.ts";
import { type ClusterEnvironment, ClusterRuntime } from "./cluster.ts";
import { type ClusterConfig, compileCluster } from "./cluster-config.ts";
import type { ClusterSlots } from "./cluster-slot.ts";
import { describeEndpoint, type HostDescription } from "./host.ts";

export interface ClusterManagerOptions {
  readonly slots: ClusterSlots;
  readonly secrets: SecretStore;
  readonly environment: ClusterEnvironment;
  readonly log: DataPlaneLog;
}

/** All clusters by name, with the endpoints last delivered for each. */
export class ClusterManager {
  readonly #options: ClusterManagerOptions;
  readonly #assignments = new Map<string, ClusterLoadAssignment>();
  readonly #encoded = new Map<string, Buffer>();
  readonly #resolvers = new Map<string, DnsResolver>();

  constructor(options: ClusterManagerOptions) {
    this.#options = options;
  }

  applyClusters(changed: readonly NamedResource<Cluster>[], removed: readonly string[]): void {
    const compiled: { config: ClusterConfig; cluster: Cluster; encoded: Buffer }[] = [];
    const problems = new Map<string, string>();
    for (const { name, resource } of changed) {
      const encoded = Buffer.from(Cluster.encode(resource).finish());
      if (this.#encoded.get(name)?.equals(encoded) === true) continue;
      try {
        compiled.push({ config: compileCluster(resource, this.#options.secrets), cluster: resource, encoded });
      } catch (error) {
        problems.set(name, error instanceof Error ? error.message : String(error));
      }
    }
    if (problems.size > 0) throw new ConfigError(problems);
    for (const one of compiled) this.#swap(one.config, one.cluster, one.encoded);
    for (const name of removed) this.#remove(name);
  }

  #swap(config: ClusterConfig, cluster: Cluster, encoded: Buffer): void {
    const slot = this.#options.slots.get(config.name);
    const runtime = new ClusterRuntime(config, this.#options.environment);
    const before = slot.current;
    this.#encoded.set(config.name, encoded);
    this.#resolvers.get(config.name)?.stop();
    this.#resolvers.delete(config.name);
    const delivered = config.discovery === "eds" ? this.#assignments.get(config.serviceName) : cluster.loadAssignment;
    if (config.discovery === "dns" || config.discovery === "dns_first") this.#resolve(runtime, cluster.loadAssignment);
    else if (delivered !== undefined) runtime.assign(delivered);
    slot.current = runtime;
    before?.close();
  }

  #resolve(runtime: ClusterRuntime, assignment: ClusterLoadAssignment | undefined): void {
    const targets = (assignment?.endpoints ?? []).flatMap((locality) =>
      locality.lbEndpoints.flatMap((endpoint) => describeEndpoint(endpoint, locality.priority) ?? []),
    );
    this.#resolvers.set(runtime.config.name, new DnsResolver(runtime, targets, this.#options.log));
  }

  #remove(name: string): void {
    this.#encoded.delete(name);
    this.#resolvers.get(name)?.stop();
    this.#resolvers.delete(name);
    const slot = this.#options.slots.find(name);
    slot?.current?.close();
    if (slot !== undefined) slot.current = undefined;
  }

  applyEndpoints(changed: readonly NamedResource<ClusterLoadAssignment>[], removed: readonly string[]): void {
    const touched = new Set(removed);
    for (const { resource } of changed) {
      this.#assignments.set(resource.clusterName, resource);
      touched.add(resource.clusterName);
    }
    for (const name of removed) this.#assignments.delete(name);
    for (const slot of this.#options.slots.all()) {
      const runtime = slot.current;
      if (runtime?.config.discovery !== "eds" || !touched.has(runtime.config.serviceName)) continue;
      const assignment = this.#assignments.get(runtime.config.serviceName);
      if (assignment === undefined) runtime.replaceHosts([]);
      else runtime.assign(assignment);
    }
  }

  *runtimes(): Iterable<ClusterRuntime> {
    for (const slot of this.#options.slots.all()) if (slot.current !== undefined) yield slot.current;
  }

  sweep(now: number): void {
    for (const runtime of this.runtimes()) runtime.sweep(now);
  }

  close(): void {
    for (const resolver of this.#resolvers.values()) resolver.stop();
    for (const runtime of this.runtimes()) runtime.close();
  }
}

/** Looks up the names of a STRICT_DNS or LOGICAL_DNS cluster again and again; the last good answer stays when a look-up fails. */
class DnsResolver {
  readonly #runtime: ClusterRuntime;
  readonly #targets: readonly HostDescription[];
  readonly #log: DataPlaneLog;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(runtime: ClusterRuntime, targets: readonly HostDescription[], log: DataPlaneLog) {
    this.#runtime = runtime;
    this.#targets = targets;
    this.#log = log;
    void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const { config } = this.#runtime;
    try {
      const found = await Promise.all(this.#targets.map((target) => this.#lookUp(target, config.ipv6 ? 6 : 4)));
      if (!this.#stopped) this.#runtime.replaceHosts(found.flat());
    } catch (error) {
      this.#log.warn({ cluster: config.name, error: String(error) }, "DNS look-up failed");
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#refresh(), config.dnsRefreshMs).unref();
  }

  async #lookUp(target: HostDescription, family: 4 | 6): Promise<readonly HostDescription[]> {
    if (target.path !== undefined || isIP(target.host) > 0) return [target];
    const answers = await dns.lookup(target.host, { all: true, family });
    const wanted = this.#runtime.config.discovery === "dns_first" ? answers.slice(0, 1) : answers;
    return wanted.map((answer) => ({ ...target, host: answer.address, hostname: target.host }));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
