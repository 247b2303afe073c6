import type { Duplex } from "node:stream";
import type { Provenance } from "../internal/provenance.ts";
import type { Head } from "./head.ts";

/**
 * The border between what a request is (filters, routing, retries) and how it travels. HTTP/1.1 implements both sides here; a
 * codec for HTTP/2 would implement the same four interfaces.
 */
export interface Downstream {
  readonly connection: DownstreamConnection;
  /** Sends a response head with the first bytes of its body, in one write where they are small. */
  respond(head: Head, body: BodyPart): void;
  /** More of the body; the return value says whether the client keeps up. */
  write(body: BodyPart): boolean;
  /** 100 Continue. */
  continue(): void;
  pause(): void;
  resume(): void;
  /** Breaks off a response that cannot be completed. */
  abort(): void;
  /** Both ways are opaque bytes from now on: the connection's socket is handed over with what was read too much. */
  takeOver(): TakenOver;
  /** Sends the answer that ends HTTP on this connection; takeOver follows. */
  switchProtocols(head: Head): void;
}

/** A piece of a body: bytes [start, end) of a buffer that may be reused after the call returns unless `owned`. */
export interface BodyPart {
  buffer: Buffer;
  start: number;
  end: number;
  last: boolean;
  owned: boolean;
  framing: Framing;
  /** Ends the framing where trailers were left out. */
  closing: string;
  /** Where the data lies when the framing has to change: pairs of start and end. */
  data: readonly number[];
}

export type Framing = "none" | "length" | "chunked" | "close";

/** One end of a tunnel: a socket whose bytes mean nothing to the proxy any more. */
export interface TakenOver {
  readonly socket: Duplex;
  /** What was read beyond the head. */
  readonly rest: Buffer | undefined;
  /** Where further bytes go; a buffer that is not `owned` is reused after the call. */
  listen(receive: (buffer: Buffer, owned: boolean) => void): void;
}

/** What requests know of the connection that brought them. */
export interface DownstreamConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** "1.2.3.4:80", made once. */
  readonly localText: string;
  readonly remoteText: string;
  /** Where a redirected connection was going; the local address otherwise. */
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
  readonly tls: DownstreamTls | undefined;
  /** Set where it came through a tunnel, or from another listener of this proxy. */
  readonly provenance: Provenance | undefined;
  /** What the peer has proven: by this connection's own TLS, or by that of the tunnel that brought it. */
  readonly proof: DownstreamTls | undefined;
  /** False while connections of this listener are being drained. */
  readonly keepAlive: boolean;
}

export interface DownstreamTls {
  readonly mutual: boolean;
  /** The peer's URI SAN, empty without a certificate. */
  readonly peerUri: string;
  /** The URI SAN of the certificate shown to the peer. */
  readonly localUri: string;
  readonly peerSubject: string;
  readonly peerDns: readonly string[];
  /** SHA-256 of the peer's certificate in hexadecimal. */
  readonly peerHash: string;
}

/** A request's life as its codec sees it. */
export interface StreamHandler {
  /** A whole head came; `body.last` when nothing follows. */
  onRequest(head: Head, body: BodyPart): void;
  onRequestBody(body: BodyPart): void;
  /** The bytes on the wire stopped making sense after the head. */
  onRequestMalformed(): void;
  onDownstreamDrain(): void;
  /** The client went away before the response was complete. */
  onDownstreamGone(): void;
  /** Milliseconds since the epoch of the last progress, for idle time-outs. */
  sweep(now: number): void;
}

/** An upstream connection that carries one request. */
export interface Upstream {
  readonly localText: string;
  readonly reused: boolean;
  send(head: Head, body: BodyPart): boolean;
  write(body: BodyPart): boolean;
  pause(): void;
  resume(): void;
  /** Gives the connection up without waiting for the response. */
  reset(): void;
  takeOver(): TakenOver;
}

export interface UpstreamHandler {
  /** A final response head (or 101), with the first bytes of the body. */
  onResponse(head: Head, body: BodyPart): void;
  onResponseBody(body: BodyPart): void;
  onContinue(): void;
  onUpstreamDrain(): void;
  /** The connection ended before the response did. */
  onUpstreamReset(reason: UpstreamReset): void;
}

export type UpstreamReset = "connection_termination" | "protocol_error";
