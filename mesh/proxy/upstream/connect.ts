import { X509Certificate } from "node:crypto";
import { connect, isIP, type OnReadOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type PeerCertificate, TLSSocket } from "node:tls";
import type { Authority } from "../../lib/hbone/authority.ts";
import { drop } from "../../lib/hbone/stream.ts";
import { namesOf } from "../../lib/identity/spiffe.ts";
import type { InternalNetwork } from "../internal/network.ts";
import type { PeerCertificateBytes } from "../tls/tls-material.ts";
import { addressText, type HostDescription, type InternalAddress } from "./host.ts";
import { type UpstreamProof, type UpstreamTls, unproven } from "./transport.ts";

export interface ConnectRequest {
  readonly host: HostDescription;
  readonly tls: UpstreamTls | undefined;
  readonly localAddress: string | undefined;
  readonly timeoutMs: number;
  /** Reads go to this buffer instead of 'data' events, where there is a socket to read from. */
  readonly onread: OnReadOpts | undefined;
  readonly session: Buffer | undefined;
  readonly from: ConnectSource;
}

/** What connections are made with. */
export interface ConnectSource {
  /** A socket made beforehand (marked so that capture lets it through) to connect with. */
  readonly prepared: (() => Socket) | undefined;
  readonly internal: InternalNetwork;
}

export interface ConnectEvents {
  connected(stream: Duplex, proof: UpstreamProof): void;
  failed(reason: string): void;
  session?(session: Buffer): void;
}

/** Opens a connection, with TLS where asked; exactly one of `connected` and `failed` follows. Returns how to give it up. */
export function openConnection(request: ConnectRequest, events: ConnectEvents): () => void {
  const { tls } = request;
  const { internal } = request.host;
  if (internal !== undefined) return openInternal(request, internal, events);
  const socket = tls === undefined ? openPlain(request) : openTls(request, tls, events);
  if (socket instanceof Error) {
    process.nextTick(() => events.failed(socket.message));
    return () => undefined;
  }
  return whenConnected(socket, request, events);
}

function whenConnected(socket: Socket, { tls, timeoutMs }: ConnectRequest, events: ConnectEvents): () => void {
  let settled = false;
  const settle = (reason: string | undefined): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (reason === undefined) events.connected(socket, tls === undefined ? unproven : proofOf(socket, tls));
    else {
      socket.destroy();
      events.failed(reason);
    }
  };
  const timer = setTimeout(() => settle("connection timeout"), timeoutMs);
  socket.once(tls === undefined ? "connect" : "secureConnect", () => settle(undefined));
  socket.once("error", (error: NodeJS.ErrnoException) => settle(reasonText(error, tls !== undefined)));
  socket.once("close", () => settle("remote connection closed"));
  return () => socket.destroy();
}

const nobody: Authority = { address: "", port: 0 };

function openInternal(request: ConnectRequest, internal: InternalAddress, events: ConnectEvents): () => void {
  const { from, tls, timeoutMs } = request;
  let settled = false;
  const settle = (reason: string): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    events.failed(reason);
  };
  const timer = setTimeout(() => settle("connection timeout"), timeoutMs);
  const { destination = nobody, via } = internal;
  const provenance = {
    source: nobody,
    destination,
    via,
    tls: undefined,
    peer: undefined,
    state: new Map<string, string>(),
  };
  from.internal.connect(internal.listener, provenance).then(
    ({ stream, proof }) => {
      if (settled) return drop(stream);
      settled = true;
      clearTimeout(timer);
      if (tls === undefined) return events.connected(stream, proof);
      const secured = openTls(request, tls, events, stream);
      if (secured instanceof Error) {
        drop(stream);
        events.failed(secured.message);
      } else whenConnected(secured, request, events);
    },
    (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
  );
  return () => settle("given up");
}

function openPlain(request: ConnectRequest): Socket {
  const { host, onread, localAddress } = request;
  const { prepared } = request.from;
  if (host.path !== undefined) return connect({ path: host.path, ...(onread === undefined ? {} : { onread }) });
  const target = {
    host: host.host,
    port: host.port,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  };
  if (prepared !== undefined) {
    const socket = prepared();
    socket.connect(target);
    socket.setNoDelay(true);
    return socket;
  }
  return connect({
    ...target,
    allowHalfOpen: true,
    autoSelectFamily: false,
    ...(onread === undefined ? {} : { onread }),
  });
}

/** @param over what to speak TLS over; a connection to the host by default */
function openTls(
  request: ConnectRequest,
  tls: UpstreamTls,
  events: ConnectEvents,
  over: Duplex | undefined = preparedFor(request),
): TLSSocket | Error {
  const material = tls.context.current();
  if ("missing" in material) return new Error(`TLS_error: ${material.missing}`);
  const { host, onread, session } = request;
  const options: ConnectionOptions & { onread?: OnReadOpts } = {
    host: host.host,
    port: host.port,
    secureContext: material.context,
    ALPNProtocols: [...tls.context.alpn],
    rejectUnauthorized: material.verifies,
    checkServerIdentity: (_name, certificate) =>
      material.accepts(namesOf(certificate), bytesOf(certificate))
        ? undefined
        : new Error("verify SAN list: the server's identity is not one of those expected"),
    ...(request.localAddress === undefined ? {} : { localAddress: request.localAddress }),
    ...(tls.sni === "" || isIP(tls.sni) > 0 ? {} : { servername: tls.sni }),
    ...(session === undefined ? {} : { session }),
    ...(onread === undefined ? {} : { onread }),
    ...(over === undefined ? {} : { socket: over }),
  };
  const socket = connectTls(options);
  socket.setNoDelay(true);
  if (material.verifies) socket.once("secureConnect", () => tls.context.watch(socket));
  socket.on("session", (ticket: Buffer) => events.session?.(ticket));
  return socket;
}

const bytesOf = ({ raw }: PeerCertificate): PeerCertificateBytes => ({
  certificate: () => raw,
  publicKey: () => new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" }),
});

function preparedFor({ host, from }: ConnectRequest): Socket | undefined {
  if (from.prepared === undefined) return undefined;
  const socket = from.prepared();
  socket.connect({ host: host.host, port: host.port });
  return socket;
}

function proofOf(socket: Socket, tls: UpstreamTls): UpstreamProof {
  const material = tls.context.current();
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
  return {
    peerUri: (certificate && namesOf(certificate).uris[0]) ?? "",
    localUri: "localUri" in material ? material.localUri : "",
    mutual: tls.mutual,
  };
}

/** In the words of Envoy's failure reasons. */
function reasonText(error: NodeJS.ErrnoException, tls: boolean): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "delayed connect error: Connection refused";
    case "EHOSTUNREACH":
      return "delayed connect error: No route to host";
    case "ENETUNREACH":
      return "immediate connect error: Network is unreachable";
    case "ETIMEDOUT":
      return "delayed connect error: Connection timed out";
    case "ECONNRESET":
      return "remote connection closed";
    default:
      return tls ? `TLS_error:|${error.code ?? ""}:${error.message}:TLS_error_end` : error.message;
  }
}

/** The local end as access logs print it. */
export function localTextOf(stream: Duplex): string {
  const socket = stream instanceof Socket ? stream : undefined;
  return socket?.localAddress === undefined ? "" : addressText(socket.localAddress, socket.localPort ?? 0);
}
