import { createServer, type Server, type Socket } from "node:net";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { ConfigError, type DataPlaneLog, type NamedResource, type OriginalDestination } from "../data-plane.ts";
import type { InternalNetwork } from "../internal/network.ts";
import { addressText } from "../upstream/host.ts";
import { Acceptor } from "./accept.ts";
import { arrivalAt } from "./arrival.ts";
import { type CompiledListener, compileListener, encodeListener, type ListenerCompiler } from "./compile-listener.ts";

export interface ListenerManagerOptions {
  readonly compiler: ListenerCompiler;
  readonly originalDestination: OriginalDestination;
  readonly internal: InternalNetwork;
  readonly log: DataPlaneLog;
}

interface Bound {
  readonly server: Server;
  current: CompiledListener;
}

/** All listeners: which ports are open, and which listener a connection belongs to. */
export class ListenerManager {
  readonly #options: ListenerManagerOptions;
  readonly #listeners = new Map<string, CompiledListener>();
  readonly #encoded = new Map<string, Buffer>();
  readonly #bound = new Map<string, Bound>();
  /** By "address:port": where redirected connections go. */
  #destinations: ReadonlyMap<string, CompiledListener> = new Map();
  readonly acceptor: Acceptor;

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
    this.acceptor = new Acceptor(options.compiler.environment, options.internal, options.log);
  }

  apply(changed: readonly NamedResource<Listener>[], removed: readonly string[]): void {
    const compiled = new Map<string, { listener: CompiledListener; encoded: Buffer }>();
    const problems = new Map<string, string>();
    for (const { name, resource } of changed) {
      const encoded = encodeListener(resource);
      if (this.#encoded.get(name)?.equals(encoded) === true) continue;
      try {
        compiled.set(name, { listener: compileListener(resource, this.#options.compiler), encoded });
      } catch (error) {
        problems.set(name, error instanceof Error ? error.message : String(error));
      }
    }
    if (problems.size > 0) throw new ConfigError(problems);
    for (const name of removed) this.#drop(name);
    for (const [name, { listener, encoded }] of compiled) this.#put(name, listener, encoded);
    this.#destinations = new Map(
      [...this.#listeners.values()].flatMap((one) =>
        one.address === undefined ? [] : [[addressText(one.address, one.port), one] as const],
      ),
    );
    if (compiled.size > 0) this.acceptor.review();
  }

  #drop(name: string): void {
    const old = this.#listeners.get(name);
    if (old === undefined) return;
    old.draining = true;
    this.#listeners.delete(name);
    this.#encoded.delete(name);
    this.#options.internal.close(name);
    const bound = this.#bound.get(name);
    this.#bound.delete(name);
    bound?.server.close();
  }

  #put(name: string, listener: CompiledListener, encoded: Buffer): void {
    const old = this.#listeners.get(name);
    if (old !== undefined) {
      old.draining = true;
      old.successor = listener;
    }
    this.#listeners.set(name, listener);
    this.#encoded.set(name, encoded);
    const bound = this.#bound.get(name);
    if (
      bound !== undefined &&
      listener.binds &&
      old !== undefined &&
      old.address === listener.address &&
      old.port === listener.port
    ) {
      bound.current = listener;
      return;
    }
    bound?.server.close();
    this.#bound.delete(name);
    if (listener.address === undefined) this.#listenInside(name, listener);
    else if (listener.binds) this.#bind(name, listener, listener.address);
  }

  #listenInside(name: string, listener: CompiledListener): void {
    const { acceptor } = this;
    this.#options.internal.listen(name, {
      accept: (stream, provenance) => acceptor.acceptInternal(stream, listener, provenance),
      connect: (provenance) => acceptor.connect(listener, provenance),
    });
  }

  #bind(name: string, listener: CompiledListener, address: string): void {
    // Half-open, because what is passed on as bytes may end one way first; HTTP decides for itself.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false });
    const bound: Bound = { server, current: listener };
    this.#bound.set(name, bound);
    server.on("connection", (socket) => this.#accept(socket, bound.current));
    server.on("error", (error) => {
      this.#options.log.warn({ listener: name, address, port: listener.port, error: error.message }, "cannot listen");
    });
    server.listen({ host: address, port: listener.port, backlog: listener.backlog });
  }

  #accept(socket: Socket, listener: CompiledListener): void {
    const original = listener.redirected ? this.#options.originalDestination(socket) : undefined;
    let target = listener;
    if (listener.handsOver && original !== undefined) {
      const { address, port } = original;
      target =
        this.#destinations.get(addressText(address, port)) ??
        this.#destinations.get(`0.0.0.0:${port}`) ??
        this.#destinations.get(`[::]:${port}`) ??
        listener;
    }
    this.acceptor.accept(socket, arrivalAt(socket, target, original));
  }

  /** Resolves when every port is open or has failed. Tests wait for it. */
  async listening(): Promise<void> {
    await Promise.all(
      [...this.#bound.values()].map(({ server }) =>
        server.listening
          ? undefined
          : new Promise<void>((resolve) => server.once("listening", resolve).once("error", () => resolve())),
      ),
    );
  }

  status(): readonly { readonly name: string; readonly address: string; readonly connections: number }[] {
    return [...this.#bound].flatMap(([name, { server, current }]) => {
      const address = server.address();
      if (address === null || typeof address === "string") return [];
      return [
        { name, address: addressText(address.address, address.port), connections: this.acceptor.countOf(current) },
      ];
    });
  }

  /** Connections end with their next answer; new ones are still taken. */
  keepNone(): void {
    for (const listener of this.#listeners.values()) listener.draining = true;
  }

  /** Takes no new connections. */
  stop(): void {
    this.keepNone();
    for (const { server } of this.#bound.values()) server.close();
  }
}
