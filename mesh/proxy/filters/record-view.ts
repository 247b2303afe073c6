import { known } from "../http1/known-headers.ts";
import type { DestinationService, PeerMetadata, RequestRecord } from "../request-record.ts";
import type { Exchange } from "./exchange.ts";

/** The record of an exchange: nothing is made unless the sink reads it. */
export class RecordView implements RequestRecord {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get direction(): RequestRecord["direction"] {
    return this.#exchange.manager.direction;
  }

  get protocol(): RequestRecord["protocol"] {
    return this.#exchange.protocol;
  }

  get startTime(): number {
    return this.#exchange.startTime;
  }

  get durationMs(): number {
    return performance.now() - this.#exchange.startedAt;
  }

  get upstreamServiceTimeMs(): number | undefined {
    const { firstByteAt, sentAt } = this.#exchange.router;
    return firstByteAt === 0 ? undefined : firstByteAt - sentAt;
  }

  get method(): string {
    return this.#exchange.head.method;
  }

  get path(): string {
    return this.#exchange.originalPath;
  }

  get authority(): string {
    return this.#exchange.head.authority;
  }

  get status(): number {
    return this.#exchange.status;
  }

  get flags(): string {
    return this.#exchange.flags;
  }

  get details(): string {
    return this.#exchange.details;
  }

  get bytesReceived(): number {
    return this.#exchange.router.body.received;
  }

  get bytesSent(): number {
    return this.#exchange.bytesSent;
  }

  get requestId(): string {
    return this.#exchange.head.get("x-request-id") ?? "";
  }

  get forwardedFor(): string {
    return this.#exchange.head.get("x-forwarded-for") ?? "";
  }

  get userAgent(): string {
    return this.#exchange.head.known(known.userAgent) ?? "";
  }

  get traceparent(): string {
    return this.#exchange.head.known(known.traceparent) ?? "";
  }

  get routeName(): string {
    return this.#exchange.route.name;
  }

  get cluster(): string {
    return this.#exchange.clusterName;
  }

  get upstreamHost(): string {
    return this.#exchange.upstreamHost;
  }

  get upstreamLocalAddress(): string {
    return this.#exchange.router.localText;
  }

  get downstreamLocalAddress(): string {
    return this.#exchange.connection.localText;
  }

  get downstreamRemoteAddress(): string {
    return this.#exchange.connection.remoteText;
  }

  get requestedServerName(): string {
    return this.#exchange.connection.serverName;
  }

  get attempts(): number {
    return this.#exchange.router.attempts;
  }

  get upstreamFailure(): string {
    return this.#exchange.router.failure;
  }

  get sourcePrincipal(): string {
    const { connection, router } = this.#exchange;
    return this.#called ? (connection.proof?.peerUri ?? "") : (router.pool?.localUri ?? "");
  }

  get destinationPrincipal(): string {
    const { manager, connection, router } = this.#exchange;
    return manager.direction === "inbound" ? (connection.proof?.localUri ?? "") : (router.pool?.peerUri ?? "");
  }

  get mutualTls(): boolean {
    const { connection, router } = this.#exchange;
    return this.#called ? connection.proof?.mutual === true : router.pool?.mutual === true;
  }

  get source(): PeerMetadata | undefined {
    const { manager, requestPeer } = this.#exchange;
    return this.#called ? requestPeer : manager.environment.self;
  }

  get destination(): PeerMetadata | undefined {
    const { manager, responsePeer, router } = this.#exchange;
    if (manager.direction === "inbound") return manager.environment.self;
    return responsePeer ?? router.host?.description.peer;
  }

  /** Whether somebody else calls: a waypoint stands between, and knows the caller as who is called does. */
  get #called(): boolean {
    const { direction } = this.#exchange.manager;
    return direction === "inbound" || direction === "waypoint";
  }

  get destinationService(): DestinationService | undefined {
    return this.#exchange.router.cluster?.config.destinationService;
  }

  get configSource(): string {
    return this.#exchange.decidedBy || this.#exchange.route.configSource;
  }
}
