import type { Duplex } from "node:stream";
import { drop } from "../../lib/hbone/stream.ts";
import type { HttpEnvironment } from "../filters/manager.ts";
import type { DownstreamConnection, TakenOver } from "../http1/streams.ts";
import type { DestinationService, PeerMetadata, RequestRecord } from "../request-record.ts";
import type { ClusterRuntime } from "../upstream/cluster.ts";
import { localTextOf, openConnection } from "../upstream/connect.ts";
import type { Host } from "../upstream/host.ts";
import { type UpstreamProof, unproven } from "../upstream/transport.ts";
import { chooseSlot, type TcpTarget } from "./compile-tcp.ts";
import { splice } from "./splice.ts";

export interface TcpSession {
  readonly socket: Duplex;
  readonly connection: DownstreamConnection;
  readonly target: TcpTarget;
  readonly environment: HttpEnvironment;
}

/** Passes a connection on to a host of its cluster, with TLS where the cluster says so. */
export function proxyTcp(session: TcpSession): void {
  session.environment.inFlight.started();
  new TcpExchange(session).start();
}

class TcpExchange {
  readonly #session: TcpSession;
  readonly #startTime: number = Date.now();
  readonly #startedAt: number = performance.now();
  #cluster: ClusterRuntime | undefined;
  #clusterName = "";
  #host: Host | undefined;
  #giveUp: () => void = () => undefined;
  #attempts = 0;
  #over = false;
  #proof: UpstreamProof = unproven;
  #spliced = false;
  #failure = "";
  #localText = "";

  constructor(session: TcpSession) {
    this.#session = session;
  }

  start(): void {
    const { target, environment, socket } = this.#session;
    const slot = chooseSlot(target, environment.random);
    this.#clusterName = slot?.name ?? "";
    this.#cluster = slot?.current;
    socket.pause();
    socket.on("error", () => this.#clientGone());
    socket.once("close", () => this.#clientGone());
    if (this.#cluster === undefined) this.#fail("NC", "cluster_not_found");
    else this.#attempt(this.#cluster);
  }

  #attempt(cluster: ClusterRuntime): void {
    const { destinationAddress, destinationPort, provenance } = this.#session.connection;
    this.#attempts += 1;
    const host = cluster.pick({
      hash: undefined,
      destinationAddress,
      destinationPort,
      via: provenance?.via,
      tried: undefined,
      attempts: 0,
    });
    if (host === undefined) return this.#fail("UH", "no_healthy_upstream");
    if (!cluster.breaker.canConnect) return this.#fail("UO", "upstream_overflow");
    this.#host = host;
    const { tunnel } = this.#session.target;
    if (tunnel !== undefined) {
      const destination = { address: destinationAddress, port: destinationPort };
      cluster.openTunnel(host, tunnel(destination)).then(
        ({ stream, proof }) => this.#connected(stream, proof),
        (error: unknown) => this.#connectFailed(error instanceof Error ? error.message : String(error), host, cluster),
      );
      return;
    }
    const { config } = cluster;
    cluster.breaker.connections += 1;
    host.activeConnections += 1;
    host.totalRequests += 1;
    const released = (): void => {
      cluster.breaker.connections -= 1;
      host.activeConnections -= 1;
    };
    this.#giveUp = openConnection(
      {
        host: host.description,
        tls: config.transport(host.description.transportMatch),
        localAddress: config.localAddress,
        timeoutMs: config.connectTimeoutMs,
        onread: undefined,
        session: undefined,
        from: cluster.environment,
      },
      {
        connected: (stream, proof) => {
          stream.once("close", released);
          this.#connected(stream, proof);
        },
        failed: (reason) => {
          released();
          host.connectFailures += 1;
          this.#connectFailed(reason, host, cluster);
        },
      },
    );
  }

  #connectFailed(reason: string, host: Host, cluster: ClusterRuntime): void {
    if (this.#over) return;
    this.#failure = reason;
    cluster.noteFailure(host);
    if (this.#attempts < this.#session.target.connectAttempts) this.#attempt(cluster);
    else this.#fail("UF", "upstream_reset_before_response_started");
  }

  #connected(upstream: Duplex, proof: UpstreamProof): void {
    const { socket, target } = this.#session;
    if (this.#over) return drop(upstream);
    this.#proof = proof;
    this.#spliced = true;
    this.#localText = localTextOf(upstream);
    splice({
      client: endOf(socket),
      server: endOf(upstream),
      idleTimeoutMs: target.idleTimeoutMs,
      ended: ({ fromClient, fromServer, reason }) => {
        this.#finish({
          fromClient,
          fromServer,
          flags: reason === "client_reset" ? "DC" : reason === "server_reset" ? "UC" : "",
        });
      },
    });
  }

  #clientGone(): void {
    if (this.#over || this.#spliced) return;
    this.#giveUp();
    this.#finish({ fromClient: 0, fromServer: 0, flags: "DC" });
  }

  #fail(flags: string, details: string): void {
    this.#failure = this.#failure === "" ? details : this.#failure;
    this.#finish({ fromClient: 0, fromServer: 0, flags });
    drop(this.#session.socket);
  }

  #finish(end: { fromClient: number; fromServer: number; flags: string }): void {
    if (this.#over) return;
    this.#over = true;
    const { environment, connection, target } = this.#session;
    const { direction } = target;
    // A waypoint stands between both: who calls is known from before it, who is called from behind it.
    const inbound = direction === "inbound";
    const called = inbound || direction === "waypoint";
    const tls =
      this.#host === undefined ? undefined : this.#cluster?.config.transport(this.#host.description.transportMatch);
    const peer: PeerMetadata | undefined = this.#host?.description.peer;
    const service: DestinationService | undefined = this.#cluster?.config.destinationService;
    const material = tls?.context.current();
    const ownUri = material !== undefined && "localUri" in material ? material.localUri : "";
    const record: RequestRecord = {
      direction: target.direction,
      protocol: "TCP",
      startTime: this.#startTime,
      durationMs: performance.now() - this.#startedAt,
      upstreamServiceTimeMs: undefined,
      method: "",
      path: "",
      authority: "",
      status: 0,
      flags: end.flags,
      details: "",
      bytesReceived: end.fromClient,
      bytesSent: end.fromServer,
      requestId: "",
      forwardedFor: "",
      userAgent: "",
      traceparent: "",
      routeName: "",
      cluster: this.#clusterName,
      upstreamHost: this.#host?.address ?? "",
      upstreamLocalAddress: this.#localText,
      downstreamLocalAddress: connection.localText,
      downstreamRemoteAddress: connection.remoteText,
      requestedServerName: connection.serverName,
      attempts: this.#attempts,
      upstreamFailure: this.#failure,
      sourcePrincipal: called ? (connection.proof?.peerUri ?? "") : ownUri || this.#proof.localUri,
      destinationPrincipal: inbound ? (connection.proof?.localUri ?? "") : this.#proof.peerUri,
      mutualTls: called ? connection.proof?.mutual === true : tls?.mutual === true || this.#proof.mutual,
      source: called ? connection.provenance?.peer : environment.self,
      destination: inbound ? environment.self : peer,
      destinationService: service,
      configSource: "",
    };
    environment.sink.record(record);
    environment.inFlight.ended();
  }
}

function endOf(socket: Duplex): TakenOver {
  return {
    socket,
    rest: undefined,
    listen: (receive) => {
      socket.on("data", (chunk: Buffer) => receive(chunk, true));
      socket.resume();
    },
  };
}
