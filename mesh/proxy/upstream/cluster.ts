import type { Socket } from "node:net";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { type Balancer, createBalancer } from "../../lib/balance/balancer.ts";
import { CircuitBreaker } from "../../lib/breaker/circuit-breaker.ts";
import { eject, noteLocalFailure, noteStatus, review } from "../../lib/breaker/outlier.ts";
import type { ClusterStatus } from "../data-plane.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { addressText, describeEndpoint, Host, type HostDescription, sameDescription } from "./host.ts";
import { HostPool } from "./pool.ts";

export interface ClusterEnvironment {
  readonly random: () => number;
  /** Shared by all upstream connections: each read is handled before the next one begins. */
  readonly readBuffer: Buffer;
  readonly prepared: (() => Socket) | undefined;
}

export interface PickContext {
  readonly hash: number | undefined;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** Hosts that were tried already, to be avoided while there is another. */
  readonly tried: readonly Host[] | undefined;
  readonly attempts: number;
}

/** A cluster at work: its hosts, the choice among them, their connections and its limits. */
export class ClusterRuntime {
  readonly config: ClusterConfig;
  readonly breaker: CircuitBreaker;
  readonly #environment: ClusterEnvironment;
  readonly #pools = new Map<Host, HostPool>();
  #hosts: readonly Host[] = [];
  #balancer: Balancer<Host>;
  readonly #byAddress = new Map<string, Host>();
  #lastReview = 0;

  constructor(config: ClusterConfig, environment: ClusterEnvironment) {
    this.config = config;
    this.#environment = environment;
    this.breaker = new CircuitBreaker(config.limits);
    this.#balancer = createBalancer(config.policy, [], this.#balancerOptions());
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** The host for a request; undefined when there is none that may be used. */
  pick(context: PickContext): Host | undefined {
    if (this.config.discovery === "original_dst") return this.#destination(context);
    let host = this.#balancer.pick(context.hash);
    const { tried } = context;
    if (tried === undefined || host === undefined) return host;
    for (let attempt = 0; attempt < context.attempts && tried.includes(host); attempt += 1) {
      host = this.#balancer.pick(undefined) ?? host;
    }
    return host;
  }

  /** The host that a redirected connection was going to. */
  #destination(context: PickContext): Host | undefined {
    if (context.destinationPort === 0) return undefined;
    const key = addressText(context.destinationAddress, context.destinationPort);
    let host = this.#byAddress.get(key);
    if (host === undefined) {
      host = new Host({
        host: context.destinationAddress,
        port: context.destinationPort,
        path: undefined,
        hostname: "",
        weight: 1,
        priority: 0,
        health: "HEALTHY",
        transportMatch: {},
        peer: undefined,
      });
      this.#byAddress.set(key, host);
      this.#hosts = [...this.#byAddress.values()];
    }
    host.lastUsed = Date.now();
    return host;
  }

  poolOf(host: Host): HostPool {
    const existing = this.#pools.get(host);
    if (existing !== undefined) return existing;
    const { config, breaker } = this;
    const pool = new HostPool({
      host,
      breaker,
      tls: config.transport(host.description.transportMatch),
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      localAddress: config.localAddress,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
      readBuffer: this.#environment.readBuffer,
      prepared: this.#environment.prepared,
      connectFailed: () => this.noteFailure(host),
    });
    this.#pools.set(host, pool);
    return pool;
  }

  get prepared(): (() => Socket) | undefined {
    return this.#environment.prepared;
  }

  /** Takes endpoints as delivered; hosts that did not change keep their connections. */
  assign(assignment: ClusterLoadAssignment): void {
    const described = assignment.endpoints.flatMap((locality) =>
      locality.lbEndpoints.flatMap((endpoint) => describeEndpoint(endpoint, locality.priority) ?? []),
    );
    this.replaceHosts(described);
  }

  replaceHosts(described: readonly HostDescription[]): void {
    const before = new Map(this.#hosts.map((host) => [host.address, host]));
    this.#hosts = described.map((description) => {
      const fresh = new Host(description);
      const old = before.get(fresh.address);
      if (old === undefined || !sameDescription(old.description, description)) return fresh;
      before.delete(fresh.address);
      return old;
    });
    for (const host of before.values()) this.#retire(host);
    this.#rebalance();
  }

  #retire(host: Host): void {
    host.removed = true;
    this.#pools.get(host)?.close();
    this.#pools.delete(host);
  }

  /**
   * The usable hosts of the first priority that has any. When too few are healthy all of them are used (panic), as a broken
   * health signal is likelier than a service that is down as a whole.
   */
  #rebalance(): void {
    const priorities = [...new Set(this.#hosts.map((host) => host.description.priority))].toSorted((a, b) => a - b);
    let chosen: readonly Host[] = [];
    for (const priority of priorities) {
      const level = this.#hosts.filter((host) => host.description.priority === priority);
      chosen = level.filter((host) => host.usable);
      if (chosen.length > 0 && (chosen.length / level.length) * 100 >= this.config.panicThreshold) break;
      if (this.config.panicThreshold > 0 && priority === priorities.at(-1)) {
        chosen = level.filter((host) => host.description.health !== "DRAINING");
      }
      if (chosen.length > 0) break;
    }
    this.#balancer = createBalancer(this.config.policy, chosen, this.#balancerOptions());
  }

  #balancerOptions() {
    return { random: this.#environment.random, choices: this.config.choices, ringSize: this.config.ringSize };
  }

  noteStatus(host: Host, status: number): void {
    if (status >= 500) host.totalErrors += 1;
    const { outlier } = this.config;
    if (outlier !== undefined && noteStatus(outlier, host.outlier, status)) this.#eject(host);
  }

  /** A host that could not be reached or broke off. */
  noteFailure(host: Host): void {
    host.totalErrors += 1;
    const { outlier } = this.config;
    if (outlier !== undefined && noteLocalFailure(outlier, host.outlier)) this.#eject(host);
  }

  #eject(host: Host): void {
    const { outlier } = this.config;
    if (outlier === undefined) return;
    const ejected = this.#hosts.filter((one) => one.outlier.ejected).length;
    if (eject(outlier, host.outlier, { hosts: this.#hosts.length, ejected, now: Date.now() })) this.#rebalance();
  }

  /** Called about twice a second. */
  sweep(now: number): void {
    for (const [host, pool] of this.#pools) {
      pool.sweep(now);
      if (this.config.discovery === "original_dst" && pool.unused && now - host.lastUsed > 60_000) this.#forget(host);
    }
    const { outlier } = this.config;
    if (outlier === undefined || now - this.#lastReview < Math.min(outlier.intervalMs, outlier.baseEjectionMs)) return;
    this.#lastReview = now;
    if (this.#hosts.filter((host) => review(host.outlier, now)).length > 0) this.#rebalance();
  }

  #forget(host: Host): void {
    this.#pools.delete(host);
    this.#byAddress.delete(host.address);
    this.#hosts = [...this.#byAddress.values()];
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  status(): ClusterStatus {
    const { maxConnections, maxPendingRequests, maxRequests } = this.config.limits;
    return {
      name: this.config.name,
      endpoints: this.#hosts.map((host) => host.status()),
      circuitBreakers: { maxConnections, maxPendingRequests, maxRequests },
    };
  }
}
