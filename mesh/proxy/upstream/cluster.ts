import type { OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { type Balancer, createBalancer } from "../../lib/balance/balancer.ts";
import { CircuitBreaker } from "../../lib/breaker/circuit-breaker.ts";
import { eject, noteLocalFailure, noteStatus, review } from "../../lib/breaker/outlier.ts";
import { type Authority, authorityOf } from "../../lib/hbone/authority.ts";
import type { ClusterStatus } from "../data-plane.ts";
import type { InternalConnection, InternalNetwork } from "../internal/network.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { addressText, describeEndpoint, Host, type HostDescription, sameDescription } from "./host.ts";
import { HostPool } from "./pool.ts";
import { ClusterTunnels } from "./tunnels.ts";

export interface ClusterEnvironment {
  readonly random: () => number;
  /** Shared by all upstream connections: each read is handled before the next one begins. */
  readonly readBuffer: Buffer;
  readonly prepared: (() => Socket) | undefined;
  readonly internal: InternalNetwork;
}

export interface PickContext {
  readonly hash: number | undefined;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** The waypoint of the destination, where there is one. */
  readonly via?: Authority | undefined;
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
  /** Hosts that were made for where connections were going. */
  readonly #destinations = new Map<string, Host>();
  #tunnels: ClusterTunnels | undefined;
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
    if (host?.description.internal !== undefined) return this.#behind(host, context);
    if (tried === undefined || host === undefined) return host;
    for (let attempt = 0; attempt < context.attempts && tried.includes(host); attempt += 1) {
      host = this.#balancer.pick(undefined) ?? host;
    }
    return host;
  }

  /** An internal listener that goes on to wherever a connection is going: one host for each such destination. */
  #behind(host: Host, { destinationAddress, destinationPort }: PickContext): Host {
    const { internal } = host.description;
    if (internal === undefined || internal.destination !== undefined || destinationPort === 0) return host;
    const destination = { address: destinationAddress, port: destinationPort };
    return this.#destinationHost(authorityOf(destination), {
      ...host.description,
      host: destinationAddress,
      port: destinationPort,
      internal: { ...internal, destination },
    });
  }

  /** The host that a redirected connection was going to. */
  #destination({ destinationAddress, destinationPort, via }: PickContext): Host | undefined {
    if (destinationPort === 0) return undefined;
    const { portOverride, followsWaypoint } = this.config;
    const waypoint = followsWaypoint ? via : undefined;
    const host = waypoint?.address ?? destinationAddress;
    const port = portOverride ?? waypoint?.port ?? destinationPort;
    return this.#destinationHost(addressText(host, port), {
      host,
      port,
      path: undefined,
      internal: undefined,
      hostname: "",
      weight: 1,
      priority: 0,
      health: "HEALTHY",
      transportMatch: {},
      peer: undefined,
    });
  }

  #destinationHost(key: string, description: HostDescription): Host {
    let host = this.#destinations.get(key);
    if (host === undefined) {
      host = new Host(description);
      this.#destinations.set(key, host);
      if (this.config.discovery === "original_dst") this.#hosts = [...this.#destinations.values()];
    }
    host.lastUsed = Date.now();
    return host;
  }

  /** Opens a stream of a tunnel to a host. Rejects with TunnelError. */
  openTunnel(host: Host, headers: OutgoingHttpHeaders): Promise<InternalConnection> {
    this.#tunnels ??= new ClusterTunnels(this);
    return this.#tunnels.open(host, headers);
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
      from: this.#environment,
      connectFailed: () => this.noteFailure(host),
    });
    this.#pools.set(host, pool);
    return pool;
  }

  get environment(): ClusterEnvironment {
    return this.#environment;
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
    for (const pool of this.#pools.values()) pool.sweep(now);
    for (const [key, host] of this.#destinations) {
      if (now - host.lastUsed > 60_000 && this.#pools.get(host)?.unused !== false) this.#forget(key, host);
    }
    const { outlier } = this.config;
    if (outlier === undefined || now - this.#lastReview < Math.min(outlier.intervalMs, outlier.baseEjectionMs)) return;
    this.#lastReview = now;
    if (this.#hosts.filter((host) => review(host.outlier, now)).length > 0) this.#rebalance();
  }

  #forget(key: string, host: Host): void {
    this.#pools.delete(host);
    this.#destinations.delete(key);
    if (this.config.discovery === "original_dst") this.#hosts = [...this.#destinations.values()];
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
    this.#tunnels?.close();
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
