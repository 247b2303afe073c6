import { isIP } from "node:net";
import { Head } from "../http1/head.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { PeerMetadata } from "../request-record.ts";
import type { Choice, CompiledRoute } from "../route/compiled.ts";
import type { FormatContext } from "../route/format.ts";
import type { HttpManager } from "./manager.ts";
import type { Router } from "./router.ts";
import { noRoute } from "./routing.ts";

/** What is known of a request under way; read by header formats and by its record. */
export abstract class ExchangeState implements FormatContext {
  head: Head;
  responseHead: Head | undefined;
  route: CompiledRoute = noRoute;
  choice: Choice | undefined;
  readonly connection: DownstreamConnection;
  readonly manager: HttpManager;
  active = false;
  startTime = 0;
  startedAt = 0;
  status = 0;
  flags = "";
  details = "";
  /** Set where something else than the route decided. */
  decidedBy = "";
  bytesSent = 0;
  /** The path as the client sent it. */
  originalPath = "";
  readonly metadata: Map<string, unknown> = new Map();
  requestPeer: PeerMetadata | undefined;
  responsePeer: PeerMetadata | undefined;
  abstract readonly router: Router;

  constructor(connection: DownstreamConnection, manager: HttpManager) {
    this.connection = connection;
    this.manager = manager;
    this.head = new Head();
  }

  /** Forgets the request before. */
  protected restart(head: Head): void {
    this.head = head;
    this.active = true;
    this.route = noRoute;
    this.choice = undefined;
    this.responseHead = undefined;
    this.requestPeer = undefined;
    this.responsePeer = undefined;
    this.status = 0;
    this.flags = "";
    this.details = "";
    this.decidedBy = "";
    if (this.metadata.size > 0) this.metadata.clear();
    this.bytesSent = 0;
    this.originalPath = head.path;
    this.startTime = Date.now();
    this.startedAt = performance.now();
  }

  addFlag(flag: string): void {
    this.flags = this.flags === "" ? flag : `${this.flags},${flag}`;
  }

  get protocol(): "HTTP/1.1" | "HTTP/1.0" {
    return this.head.version === 10 ? "HTTP/1.0" : "HTTP/1.1";
  }

  get routeName(): string {
    return this.route.name;
  }

  get clusterName(): string {
    return this.router.cluster?.config.name ?? "";
  }

  get upstreamHost(): string {
    return this.router.host?.address ?? "";
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  /**
   * The address in x-forwarded-for that the last trusted proxy wrote; the peer's where there is none. Source: Envoy's
   * documentation of x-forwarded-for.
   */
  get clientAddress(): string {
    const { remoteAddress } = this.connection;
    const forwarded = this.head.get("x-forwarded-for");
    if (forwarded === undefined) return remoteAddress;
    const addresses = forwarded.split(",");
    const address = addresses[addresses.length - 1 - this.manager.trustedHops]?.trim() ?? "";
    return isIP(address) === 0 ? remoteAddress : address;
  }

  get destinationAddress(): string {
    return this.connection.destinationAddress;
  }

  get destinationPort(): number {
    return this.connection.destinationPort;
  }

  get random(): () => number {
    return this.manager.environment.random;
  }
}
