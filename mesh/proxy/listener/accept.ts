import type { Socket } from "node:net";
import { plainAddress } from "../../lib/match/cidr.ts";
import type { DataPlaneLog } from "../data-plane.ts";
import { Exchange } from "../filters/exchange.ts";
import type { HttpEnvironment, HttpManager } from "../filters/manager.ts";
import { refusedRecord } from "../filters/refused-record.ts";
import { choose } from "../filters/routing.ts";
import { Head } from "../http1/head.ts";
import { ServerConnection } from "../http1/server-connection.ts";
import type { DownstreamConnection, DownstreamTls } from "../http1/streams.ts";
import type { TcpTarget } from "../tcp/compile-tcp.ts";
import type { ConnectionFindings, Refusal } from "../tcp/network-rbac.ts";
import { proxyTcp } from "../tcp/tcp-proxy.ts";
import { addressText } from "../upstream/host.ts";
import type { CompiledChain, CompiledListener } from "./compile-listener.ts";
import { type Inspection, inspect } from "./inspect.ts";
import { chainOfToday, directionOf, type Standing } from "./standing.ts";

export interface Arrival {
  readonly listener: CompiledListener;
  /** Where a redirected connection was going. */
  readonly original: { readonly address: string; readonly port: number } | undefined;
}

/** Takes connections from accepted to served: inspect, choose a filter chain, end TLS, hand over. */
export class Acceptor {
  readonly #environment: HttpEnvironment;
  readonly #log: DataPlaneLog;
  readonly #http = new Set<ServerConnection>();
  readonly #sockets = new Map<Socket, CompiledListener>();
  /** Connections that are passed on as bytes: nobody looks at them again but here. */
  readonly #streams = new Map<Socket, Standing>();

  constructor(environment: HttpEnvironment, log: DataPlaneLog) {
    this.#environment = environment;
    this.#log = log;
  }

  get open(): number {
    return this.#sockets.size;
  }

  countOf(listener: CompiledListener): number {
    return [...this.#sockets.values()].filter((one) => one === listener).length;
  }

  accept(socket: Socket, arrival: Arrival): void {
    this.#sockets.set(socket, arrival.listener);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    inspect(socket, arrival.listener.inspect, (inspection) => {
      if (inspection === undefined || socket.destroyed) socket.destroy();
      else this.#choose(socket, arrival, inspection);
    });
  }

  #choose(socket: Socket, arrival: Arrival, inspection: Inspection): void {
    const { listener } = arrival;
    const peer = describe(socket, arrival, inspection);
    const facts = {
      destinationAddress: peer.destinationAddress,
      destinationPort: peer.destinationPort,
      sourceAddress: peer.remoteAddress,
      sourcePort: peer.remotePort,
      ...inspection,
    };
    const chain = listener.choose(facts);
    if (chain === undefined) {
      this.#log.debug({ listener: listener.name, remote: peer.remoteText }, "no filter chain fits the connection");
      this.#environment.sink.record(
        refusedRecord(peer, {
          protocol: "TCP",
          status: 0,
          flags: "NR",
          details: "filter_chain_not_found",
          direction: listener.direction,
        }),
      );
      socket.destroy();
      return;
    }
    if (chain.tls === undefined) this.#serve(socket, { listener, chain, facts, connection: peer });
    else {
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

  #serve(socket: Socket, standing: Standing): void {
    this.#guard(socket, standing, { from: 0, findings: new Map() });
  }

  /** Asks the chain's guards one after the other; one of them may take its time. */
  #guard(
    socket: Socket,
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
        socket.destroy();
        return;
      }
      const asked = guard.ask(connection, at.findings);
      if (asked === undefined) continue;
      socket.pause();
      void asked.then((refusal) => {
        if (refusal !== undefined) {
          this.#refused(chain, connection, refusal);
          socket.destroy();
        } else if (!socket.destroyed) this.#guard(socket, standing, { ...at, from: index + 1 });
      });
      return;
    }
    const { handler } = chain;
    if (handler.kind === "http") this.#serveHttp(socket, handler.manager, standing);
    else this.#pass(socket, handler.target, standing);
  }

  #pass(socket: Socket, target: TcpTarget, standing: Standing): void {
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
      if (chain === undefined || hasGuardedFilters(chain) || !this.#admits(chain, standing.connection))
        socket.destroy();
    }
  }

  #serveHttp(socket: Socket, manager: HttpManager, standing: Standing): void {
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
  }

  /**
   * HTTP/2 is not parsed here: it is passed on to where a request to the connection's destination would go, which Istio's routes
   * know by address.
   */
  #passHttp2(
    one: ServerConnection,
    bytes: Buffer,
    from: { socket: Socket; manager: HttpManager; standing: Standing },
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
    this.#pass(socket, target, standing);
    return true;
  }

  sweep(now: number): void {
    for (const connection of this.#http) connection.sweep(now);
  }

  /** Idle connections close now, the others after their answer. */
  drain(): void {
    for (const connection of [...this.#http]) connection.drain();
  }

  destroyAll(): void {
    for (const socket of [...this.#sockets.keys()]) socket.destroy();
  }
}

/** Whether requests are judged by what is in them. */
const hasGuardedFilters = ({ handler }: CompiledChain): boolean =>
  handler.kind === "http" && handler.manager.filters.some((filter) => filter.guards);

/** A connection's addresses, each made once. */
class Peer implements DownstreamConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localText: string;
  readonly remoteText: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
  readonly tls: DownstreamTls | undefined;
  readonly #listener: CompiledListener;

  constructor(
    addresses: Omit<DownstreamConnection, "keepAlive" | "localText" | "remoteText">,
    listener: CompiledListener,
  ) {
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.destinationAddress = addresses.destinationAddress;
    this.destinationPort = addresses.destinationPort;
    this.serverName = addresses.serverName;
    this.tls = addresses.tls;
    this.localText = addressText(this.localAddress, this.localPort);
    this.remoteText = addressText(this.remoteAddress, this.remotePort);
    this.#listener = listener;
  }

  get keepAlive(): boolean {
    return !this.#listener.draining;
  }

  withTls(tls: DownstreamTls): Peer {
    return new Peer({ ...this, tls }, this.#listener);
  }
}

function describe(socket: Socket, arrival: Arrival, inspection: Inspection): Peer {
  const localAddress = plainAddress(socket.localAddress ?? "");
  const localPort = socket.localPort ?? 0;
  const destinationAddress = arrival.original?.address ?? localAddress;
  const destinationPort = arrival.original?.port ?? localPort;
  return new Peer(
    {
      // As Envoy with an original destination: the local address is where the client meant to go.
      localAddress: destinationAddress,
      localPort: destinationPort,
      remoteAddress: plainAddress(socket.remoteAddress ?? ""),
      remotePort: socket.remotePort ?? 0,
      destinationAddress,
      destinationPort,
      serverName: inspection.serverName,
      tls: undefined,
    },
    arrival.listener,
  );
}
