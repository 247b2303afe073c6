import type { Socket } from "node:net";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { markedSockets } from "#mesh/capture/mark.ts";
import { originalDestinations } from "#mesh/capture/original-destination.ts";
import { canDistinguishUsers } from "#mesh/capture/users.ts";
import { InFlight } from "../lib/drain/in-flight.ts";
import {
  type ClusterStatus,
  ConfigError,
  type DataPlane,
  type DataPlaneOptions,
  type Delta,
  type OriginalDestination,
  type ResourceUpdate,
} from "./data-plane.ts";
import type { HttpEnvironment, RouteSlot } from "./filters/manager.ts";
import { PeerMetadataCodec } from "./filters/peer-metadata.ts";
import { compileRouteFilter } from "./filters/registry.ts";
import { InternalNetwork } from "./internal/network.ts";
import { ListenerManager } from "./listener/listener-manager.ts";
import { compileRoutes, type RouteCompiler } from "./route/compile-routes.ts";
import { SecretStore } from "./tls/secret-store.ts";
import { ClusterManager } from "./upstream/cluster-manager.ts";
import { ClusterSlots } from "./upstream/cluster-slot.ts";

const sweepMs = 500;
const readBufferBytes = 64 * 1024;

/** What mesh/capture gives to a data plane that runs behind its rules. */
interface CaptureHooks {
  readonly originalDestination: OriginalDestination;
  /** Makes a socket that capture lets through, where the user id cannot tell; undefined where it can. */
  readonly markedSocket: (() => Socket) | undefined;
}

/** Makes a data plane without any configuration. It listens as soon as listeners are applied. */
export function createDataPlane(options: DataPlaneOptions): LocalDataPlane {
  return new LocalDataPlane(options, captureHooks(options));
}

/** Only a sidecar is behind capture rules. */
function captureHooks(options: DataPlaneOptions): CaptureHooks {
  const given = options.originalDestination;
  if (given !== undefined || options.role !== "sidecar") {
    return { originalDestination: given ?? (() => undefined), markedSocket: undefined };
  }
  const makeSocket = canDistinguishUsers() ? undefined : markedSockets();
  return { originalDestination: originalDestinations(), markedSocket: makeSocket && (() => makeSocket()) };
}

/** The data plane of this process. */
export class LocalDataPlane implements DataPlane {
  readonly #secrets = new SecretStore();
  readonly #slots = new ClusterSlots();
  readonly #routes = new Map<string, RouteSlot>();
  readonly #clusters: ClusterManager;
  readonly #listeners: ListenerManager;
  readonly #environment: HttpEnvironment;
  readonly #compiler: RouteCompiler;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: DataPlaneOptions, capture: CaptureHooks) {
    const random = options.random ?? Math.random;
    this.#environment = {
      sink: options.sink,
      nodeId: options.nodeId,
      self: options.self,
      peers: new PeerMetadataCodec(options.self),
      inFlight: new InFlight(),
      random,
      date: dateHeader(),
    };
    const internal = new InternalNetwork();
    const readBuffer = Buffer.allocUnsafeSlow(readBufferBytes);
    this.#clusters = new ClusterManager({
      slots: this.#slots,
      secrets: this.#secrets,
      environment: { random, readBuffer, prepared: capture.markedSocket, internal },
      log: options.log,
    });
    this.#compiler = { slots: this.#slots, random, filterConfig: compileRouteFilter };
    this.#listeners = new ListenerManager({
      compiler: {
        role: options.role,
        secrets: this.#secrets,
        environment: this.#environment,
        routes: this.#compiler,
        routeSlot: (name) => this.#routeSlot(name),
      },
      originalDestination: capture.originalDestination,
      internal,
      log: options.log,
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  apply(update: ResourceUpdate): void {
    switch (update.type) {
      case "secret":
        this.#secrets.apply(update.changed, update.removed);
        return;
      case "cluster":
        this.#clusters.applyClusters(update.changed, update.removed);
        return;
      case "endpoint":
        this.#clusters.applyEndpoints(update.changed, update.removed);
        return;
      case "listener":
        this.#listeners.apply(update.changed, update.removed);
        return;
      case "route":
        this.#applyRoutes(update);
    }
  }

  #applyRoutes(update: Delta<"route", RouteConfiguration>): void {
    const problems = new Map<string, string>();
    const compiled = update.changed.flatMap(({ name, resource }) => {
      try {
        return [{ name, routes: compileRoutes(resource, this.#compiler) }];
      } catch (error) {
        problems.set(name, error instanceof Error ? error.message : String(error));
        return [];
      }
    });
    if (problems.size > 0) throw new ConfigError(problems);
    for (const { name, routes } of compiled) this.#routeSlot(name).current = routes;
    for (const name of update.removed) this.#routeSlot(name).current = undefined;
  }

  #routeSlot(name: string): RouteSlot {
    let slot = this.#routes.get(name);
    if (slot === undefined) {
      slot = { name, current: undefined };
      this.#routes.set(name, slot);
    }
    return slot;
  }

  #sweep(): void {
    const now = Date.now();
    this.#listeners.acceptor.sweep(now);
    this.#clusters.sweep(now);
  }

  sendAway(): void {
    this.#listeners.keepNone();
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#listeners.stop();
    await Promise.all([this.#listeners.acceptor.drain(timeoutMs), this.#environment.inFlight.idle(timeoutMs)]);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#listeners.stop();
    this.#listeners.acceptor.destroyAll();
    this.#clusters.close();
    await this.#environment.inFlight.idle(1000);
  }

  /** Resolves when the ports of all listeners are open. */
  listening(): Promise<void> {
    return this.#listeners.listening();
  }

  clusterStatus(): readonly ClusterStatus[] {
    return [...this.#clusters.runtimes()].map((runtime) => runtime.status());
  }

  listenerStatus(): readonly { readonly name: string; readonly address: string; readonly connections: number }[] {
    return this.#listeners.status();
  }
}

/** The Date header's text, made once a second. */
function dateHeader(): () => string {
  let second = 0;
  let text = "";
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}
