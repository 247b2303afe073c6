import type { Socket } from "node:net";
import { plainAddress } from "../../lib/match/cidr.ts";
import type { DataPlaneLog } from "../data-plane.ts";
import { deniedDetails, manifestOf } from "../filters/denial.ts";
import { Exchange } from "../filters/exchange.ts";
import type { HttpEnvironment, HttpManager } from "../filters/manager.ts";
import { refusedRecord } from "../filters/refused-record.ts";
import { choose } from "../filters/routing.ts";
import { Head } from "../http1/head.ts";
import { ServerConnection } from "../http1/server-connection.ts";
import type { DownstreamConnection, DownstreamTls } from "../http1/streams.ts";
import { proxyTcp } from "../tcp/tcp-proxy.ts";
import { addressText } from "../upstream/host.ts";
import type { CompiledChain, CompiledListener } from "./compile-listener.ts";
import { type Inspection, inspect } from "./inspect.ts";

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
    const chain = listener.choose({
      destinationAddress: peer.destinationAddress,
      destinationPort: peer.destinationPort,
      sourceAddress: peer.remoteAddress,
      sourcePort: peer.remotePort,
      ...inspection,
    });
    if (chain === undefined) {
      this.#log.debug({ listener: listener.name, remote: peer.remoteText }, "no filter chain fits the connection");
      this.#environment.sink.record(
        refusedRecord(peer, {
          protocol: "TCP",
          status: 0,
          flags: "NR",
          details: "filter_chain_not_found",
          direction: "outbound",
        }),
      );
      socket.destroy();
      return;
    }
    if (chain.tls === undefined) this.#serve(socket, chain, peer);
    else {
      chain.tls.accept(socket, {
        secured: (secured, tls) => this.#serve(secured, chain, peer.withTls(tls)),
        failed: (reason) =>
          this.#log.debug({ listener: listener.name, remote: peer.remoteText, reason }, "TLS handshake failed"),
      });
    }
  }

  #serve(socket: Socket, chain: CompiledChain, connection: DownstreamConnection): void {
    const { handler } = chain;
    for (const guard of chain.guards) {
      const refused = guard(connection);
      if (refused !== undefined) return this.#refuse(socket, { connection, chain, policy: refused.policy });
    }
    if (handler.kind === "http") this.#serveHttp(socket, handler.manager, connection);
    else proxyTcp({ socket, connection, target: handler.target, environment: this.#environment });
  }

  #refuse(
    socket: Socket,
    {
      connection,
      chain: { handler },
      policy,
    }: { connection: DownstreamConnection; chain: CompiledChain; policy: string | undefined },
  ): void {
    const { direction } = handler.kind === "http" ? handler.manager : handler.target;
    const refusal = { protocol: "TCP", status: 0, flags: "", details: deniedDetails(policy), direction } as const;
    const configSource = manifestOf(policy).decidedBy ?? "";
    this.#environment.sink.record({ ...refusedRecord(connection, refusal), configSource });
    socket.destroy();
  }

  #serveHttp(socket: Socket, manager: HttpManager, peer: DownstreamConnection): void {
    const connection = new ServerConnection({
      socket,
      peer,
      limits: manager.limits,
      handler: (downstream) => new Exchange(downstream, manager),
      events: {
        refused: (_one, status, details) => {
          this.#environment.sink.record(
            refusedRecord(peer, { protocol: "HTTP/1.1", status, flags: "DPE", details, direction: manager.direction }),
          );
        },
        closed: (one) => this.#http.delete(one),
        foreign: (one, bytes) => this.#passHttp2(one, bytes, { socket, manager, peer }),
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
    from: { socket: Socket; manager: HttpManager; peer: DownstreamConnection },
  ): boolean {
    const { socket, manager, peer } = from;
    // What a guard cannot read must not pass it.
    if (manager.filters.some((filter) => filter.guards)) return false;
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
    proxyTcp({ socket, connection: peer, target, environment: this.#environment });
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
