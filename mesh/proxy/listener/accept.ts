import { constants, type ServerHttp2Session } from "node:http2";
import { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { TLSSocket } from "node:tls";
import { InFlight } from "../../lib/drain/in-flight.ts";
import { serveTunnel } from "../../lib/hbone/serve.ts";
import { drop } from "../../lib/hbone/stream.ts";
import type { DataPlaneLog } from "../data-plane.ts";
import { Exchange } from "../filters/exchange.ts";
import type { HttpEnvironment, HttpManager } from "../filters/manager.ts";
import { refusedRecord } from "../filters/refused-record.ts";
import { choose } from "../filters/routing.ts";
import { Head } from "../http1/head.ts";
import { ServerConnection } from "../http1/server-connection.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { InternalConnection, InternalNetwork } from "../internal/network.ts";
import type { Provenance } from "../internal/provenance.ts";
import type { TcpTarget } from "../tcp/compile-tcp.ts";
import type { ConnectionFindings, Refusal } from "../tcp/network-rbac.ts";
import { proxyTcp } from "../tcp/tcp-proxy.ts";
import type { Tunneling } from "../tunnel/compile-tunneling.ts";
import { openTunnel } from "../tunnel/originate.ts";
import { terminate } from "../tunnel/terminate.ts";
import { addressText } from "../upstream/host.ts";
import { unproven } from "../upstream/transport.ts";
import { type Arrival, arrivalFrom, describe, factsOf } from "./arrival.ts";
import type { CompiledChain, CompiledListener } from "./compile-listener.ts";
import { type Inspection, inspect, raw } from "./inspect.ts";
import { chainOfToday, directionOf, type Standing } from "./standing.ts";

/** How long peers have to say goodbye as well. */
const FAREWELL_MS = 200;

/** Takes connections from accepted to served: inspect, choose a filter chain, end TLS, hand over. */
export class Acceptor {
  readonly #environment: HttpEnvironment;
  readonly #network: InternalNetwork;
  readonly #log: DataPlaneLog;
  readonly #http = new Set<ServerConnection>();
  readonly #tunnels = new Set<ServerHttp2Session>();
  /** HTTP connections that came through tunnels. */
  readonly #tunnelled = new InFlight();
  readonly #sockets = new Map<Duplex, CompiledListener>();
  /** Connections that are passed on as bytes: nobody looks at them again but here. */
  readonly #streams = new Map<Duplex, Standing>();

  constructor(environment: HttpEnvironment, network: InternalNetwork, log: DataPlaneLog) {
    this.#environment = environment;
    this.#network = network;
    this.#log = log;
  }

  get open(): number {
    return this.#sockets.size;
  }

  countOf(listener: CompiledListener): number {
    return [...this.#sockets.values()].filter((one) => one === listener).length;
  }

  /**
   * A connection from inside the proxy to an internal listener. Where it only becomes a stream of a tunnel there, it is that stream:
   * nothing has to be carried from one to the other.
   */
  async connect(listener: CompiledListener, provenance: Provenance): Promise<InternalConnection> {
    const arrival = arrivalFrom(provenance, listener);
    const target = tunnelAt(arrival);
    if (target !== undefined) return openTunnel(target, provenance, this.#environment.random);
    const [near, far] = duplexPair();
    this.accept(far, arrival);
    return { stream: near, proof: unproven };
  }

  /** A stream that goes on at an internal listener. */
  acceptInternal(stream: Duplex, listener: CompiledListener, provenance: Provenance): void {
    this.accept(stream, arrivalFrom(provenance, listener));
  }

  accept(socket: Duplex, arrival: Arrival): void {
    this.#sockets.set(socket, arrival.listener);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    inspect(socket, arrival.listener.inspect(arrival.destination.port), (inspection) => {
      if (inspection === undefined || socket.destroyed) drop(socket);
      else this.#choose(socket, arrival, inspection);
    });
  }

  #choose(socket: Duplex, arrival: Arrival, inspection: Inspection): void {
    const { listener } = arrival;
    const peer = describe(arrival, inspection);
    const facts = factsOf(arrival, inspection);
    const chain = listener.choose(facts);
    if (chain === undefined) {
      this.#log.debug({ listener: listener.name, remote: peer.remoteText }, "no filter chain fits the connection");
      // Where mutual TLS would have been let in, what demands it is why this was not.
      const demanded = listener.choose({ ...facts, transportProtocol: "tls", applicationProtocols: ["istio"] });
      this.#refuse(listener, peer, {
        flags: "NR",
        details: "filter_chain_not_found",
        configSource: demanded?.configSource,
      });
      drop(socket);
      return;
    }
    if (chain.tls === undefined) this.#serve(socket, { listener, chain, facts, connection: peer });
    else if (socket instanceof Socket) {
      chain.tls.accept(socket, {
        secured: (secured, tls) => this.#serve(secured, { listener, chain, facts, connection: peer.withTls(tls) }),
        failed: (reason) => {
          this.#log.debug({ listener: listener.name, remote: peer.remoteText, reason }, "TLS handshake failed");
          const details = `downstream_tls_failed{${reason.replaceAll(/\s+/g, "_")}}`;
          const refusal = { protocol: "TCP", status: 0, flags: "DPE", details, direction: directionOf(chain) } as const;
          this.#environment.sink.record(refusedRecord(peer, refusal));
        },
      });
    }
  }

  /** Records a connection that never came to be. */
  #refuse(
    { direction }: CompiledListener,
    peer: DownstreamConnection,
    { configSource = "", ...why }: { flags: string; details: string; configSource: string | undefined },
  ): void {
    const refusal = { protocol: "TCP", status: 0, direction, ...why } as const;
    this.#environment.sink.record({ ...refusedRecord(peer, refusal), configSource });
  }

  #serve(socket: Duplex, standing: Standing): void {
    this.#guard(socket, standing, { from: 0, findings: new Map() });
  }

  /** Asks the chain's guards one after the other; one of them may take its time. */
  #guard(
    socket: Duplex,
    standing: Standing,
    at: { readonly from: number; readonly findings: ConnectionFindings },
  ): void {
    const { chain, connection } = standing;
    for (const [index, guard] of chain.guards.entries()) {
      if (index < at.from) continue;
      if (guard.kind === "rules") {
        const refusal = guard.test(connection, at.findings);
        if (refusal === undefined) continue;
        this.#refused(chain, connection, refusal);
        drop(socket);
        return;
      }
      const asked = guard.ask(connection, at.findings);
      if (asked === undefined) continue;
      socket.pause();
      void asked.then((refusal) => {
        if (refusal !== undefined) {
          this.#refused(chain, connection, refusal);
          drop(socket);
        } else if (!socket.destroyed) this.#guard(socket, standing, { ...at, from: index + 1 });
      });
      return;
    }
    this.#handle(socket, standing);
  }

  #handle(socket: Duplex, standing: Standing): void {
    const { handler } = standing.chain;
    switch (handler.kind) {
      case "http":
        return this.#serveHttp(socket, handler.manager, standing);
      case "tcp":
        return this.#pass(socket, handler.target, standing);
      case "tunnels":
        return this.#serveTunnel(socket, standing);
    }
  }

  /** Streams are judged by what is in force when they come, however old their tunnel is. */
  #serveTunnel(socket: Duplex, standing: Standing): void {
    if (!(socket instanceof TLSSocket) || socket.alpnProtocol !== "h2") return void socket.destroy();
    // Streams end one way after the other, their connection at once.
    socket.allowHalfOpen = false;
    const { connection } = standing;
    const context = { environment: this.#environment, network: this.#network };
    const session = serveTunnel(socket, (stream, headers) => {
      const chain = chainOfToday(standing);
      if (chain?.handler.kind !== "tunnels") return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      terminate(chain.handler.terminator, connection, { request: { stream, headers }, context });
    });
    this.#tunnels.add(session);
    session.once("close", () => this.#tunnels.delete(session));
  }

  #pass(socket: Duplex, target: TcpTarget, standing: Standing): void {
    this.#streams.set(socket, standing);
    socket.once("close", () => this.#streams.delete(socket));
    proxyTcp({ socket, connection: standing.connection, target, environment: this.#environment });
  }

  #refused(chain: CompiledChain, connection: DownstreamConnection, { flags, details, configSource }: Refusal): void {
    const refusal = { protocol: "TCP", status: 0, flags, details, direction: directionOf(chain) } as const;
    this.#environment.sink.record({ ...refusedRecord(connection, refusal), configSource });
  }

  /** Whether the rules of a chain let a standing connection in; an external authorizer is asked when it begins only, as Envoy does. */
  #admits(chain: CompiledChain, connection: DownstreamConnection): boolean {
    const findings: ConnectionFindings = new Map();
    for (const guard of chain.guards) {
      if (guard.kind !== "rules") continue;
      const refusal = guard.test(connection, findings);
      if (refusal === undefined) continue;
      this.#refused(chain, connection, refusal);
      return false;
    }
    return true;
  }

  /**
   * After listeners were replaced: connections that are passed on as bytes are judged again, and those that would not be let in any
   * more end. HTTP connections are judged with their next request.
   */
  review(): void {
    for (const [socket, standing] of this.#streams) {
      if (standing.listener.successor === undefined) continue;
      const chain = chainOfToday(standing);
      if (chain === undefined || hasGuardedFilters(chain) || !this.#admits(chain, standing.connection)) drop(socket);
    }
  }

  #serveHttp(socket: Duplex, manager: HttpManager, standing: Standing): void {
    const peer = standing.connection;
    const connection = new ServerConnection({
      socket,
      peer,
      limits: manager.limits,
      handler: (downstream) => new Exchange(downstream, manager),
      successor: (downstream) => {
        const chain = chainOfToday(standing);
        if (chain?.handler.kind !== "http" || !this.#admits(chain, peer)) return undefined;
        return new Exchange(downstream, chain.handler.manager);
      },
      events: {
        refused: (_one, status, details) => {
          this.#environment.sink.record(
            refusedRecord(peer, { protocol: "HTTP/1.1", status, flags: "DPE", details, direction: manager.direction }),
          );
        },
        closed: (one) => this.#http.delete(one),
        foreign: (one, bytes) => this.#passHttp2(one, bytes, { socket, manager, standing }),
      },
    });
    this.#http.add(connection);
    if (peer.provenance === undefined) return;
    this.#tunnelled.started();
    socket.once("close", () => this.#tunnelled.ended());
  }

  /**
   * HTTP/2 is not parsed here: it is passed on to where a request to the connection's destination would go, which Istio's routes
   * know by address.
   */
  #passHttp2(
    one: ServerConnection,
    bytes: Buffer,
    from: { socket: Duplex; manager: HttpManager; standing: Standing },
  ): boolean {
    const { socket, manager, standing } = from;
    const peer = standing.connection;
    // What a guard cannot read must not pass it.
    if (hasGuardedFilters(standing.chain)) return false;
    const head = new Head();
    head.method = "POST";
    head.path = "/";
    head.authority = addressText(peer.destinationAddress, peer.destinationPort);
    const action = manager.routes.current?.find(head)?.action;
    const choice =
      action?.kind === "forward" ? choose(action.target, { head, random: manager.environment.random }) : undefined;
    if (choice === undefined) return false;
    one.takeOver();
    this.#http.delete(one);
    socket.pause();
    socket.unshift(bytes);
    const clusters = [{ slot: choice.slot, upTo: 1 }];
    const target = { direction: manager.direction, clusters, total: 1, idleTimeoutMs: 3_600_000, connectAttempts: 1 };
    this.#pass(socket, { ...target, tunnel: undefined }, standing);
    return true;
  }

  sweep(now: number): void {
    for (const connection of this.#http) connection.sweep(now);
  }

  /**
   * Idle connections close now, the others after their answer. Those in tunnels stay until they are told with an answer, or the time
   * is over: whoever sends on them is no proxy that would try again. Resolves when none of them is left.
   */
  async drain(timeoutMs: number): Promise<void> {
    for (const session of this.#tunnels) session.close();
    for (const connection of [...this.#http]) if (connection.connection.provenance === undefined) connection.drain();
    if (await this.#tunnelled.idle(timeoutMs)) return;
    for (const connection of [...this.#http]) connection.drain();
    await this.#tunnelled.idle(FAREWELL_MS);
  }

  destroyAll(): void {
    for (const socket of [...this.#sockets.keys()]) socket.destroy();
  }
}

/** Whether requests are judged by what is in them. */
const hasGuardedFilters = ({ handler }: CompiledChain): boolean =>
  handler.kind === "http" && handler.manager.filters.some((filter) => filter.guards);

/** The tunnel that a connection becomes a stream of, where nothing else is to be done with it. */
function tunnelAt(arrival: Arrival): (TcpTarget & { readonly tunnel: Tunneling }) | undefined {
  const { listener, destination } = arrival;
  const { tls, http } = listener.inspect(destination.port);
  if (tls || http) return undefined;
  const chain = listener.choose(factsOf(arrival, raw));
  if (chain?.handler.kind !== "tcp" || chain.guards.length > 0) return undefined;
  const { target } = chain.handler;
  return target.tunnel === undefined ? undefined : { ...target, tunnel: target.tunnel };
}
