import { X509Certificate } from "node:crypto";
import { connect, isIP, type OnReadOpts, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";
import { namesOf } from "../../lib/identity/spiffe.ts";
import type { PeerCertificateBytes } from "../tls/tls-material.ts";
import { addressText, type HostDescription } from "./host.ts";
import type { UpstreamTls } from "./transport.ts";

export interface ConnectRequest {
  readonly host: HostDescription;
  readonly tls: UpstreamTls | undefined;
  readonly localAddress: string | undefined;
  readonly timeoutMs: number;
  /** Reads go to this buffer instead of 'data' events. */
  readonly onread: OnReadOpts | undefined;
  readonly session: Buffer | undefined;
  /** A socket made beforehand (marked so that capture lets it through) to connect with. */
  readonly prepared: (() => Socket) | undefined;
}

export interface ConnectEvents {
  connected(socket: Socket, peerUri: string): void;
  failed(reason: string): void;
  session?(session: Buffer): void;
}

/** Opens a connection, with TLS where asked; exactly one of `connected` and `failed` follows. */
export function openConnection(request: ConnectRequest, events: ConnectEvents): Socket {
  const { tls } = request;
  const socket = tls === undefined ? openPlain(request) : openTls(request, tls, events);
  if (socket instanceof Error) {
    const failed = new Socket();
    process.nextTick(() => events.failed(socket.message));
    return failed;
  }
  let settled = false;
  const settle = (reason: string | undefined): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (reason === undefined) events.connected(socket, tls === undefined ? "" : peerUriOf(socket));
    else {
      socket.destroy();
      events.failed(reason);
    }
  };
  const timer = setTimeout(() => settle("connection timeout"), request.timeoutMs);
  socket.once(tls === undefined ? "connect" : "secureConnect", () => settle(undefined));
  socket.once("error", (error: NodeJS.ErrnoException) => settle(reasonText(error, tls !== undefined)));
  socket.once("close", () => settle("remote connection closed"));
  return socket;
}

function openPlain(request: ConnectRequest): Socket {
  const { host, onread, localAddress, prepared } = request;
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

function openTls(request: ConnectRequest, tls: UpstreamTls, events: ConnectEvents): TLSSocket | Error {
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
    ...(request.prepared === undefined ? {} : { socket: preparedFor(request, request.prepared) }),
  };
  const socket = connectTls(options);
  socket.setNoDelay(true);
  socket.on("session", (ticket: Buffer) => events.session?.(ticket));
  return socket;
}

const bytesOf = ({ raw }: PeerCertificate): PeerCertificateBytes => ({
  certificate: () => raw,
  publicKey: () => new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" }),
});

function preparedFor(request: ConnectRequest, prepared: () => Socket): Socket {
  const socket = prepared();
  socket.connect({ host: request.host.host, port: request.host.port });
  return socket;
}

function peerUriOf(socket: Socket): string {
  const certificate = (socket as TLSSocket).getPeerCertificate();
  return namesOf(certificate).uris[0] ?? "";
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
export function localTextOf(socket: Socket): string {
  return socket.localAddress === undefined ? "" : addressText(socket.localAddress, socket.localPort ?? 0);
}
