import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { serveTunnel } from "#mesh/lib/hbone/serve.ts";
import { namesOf, parseSpiffeId } from "#mesh/lib/identity/spiffe.ts";
import type { Credentials } from "../certificates.ts";
import type { PartLog } from "../log.ts";

export interface TunnelServerOptions {
  readonly credentials: Credentials;
  readonly log: PartLog;
  /** Given every tunnel that was agreed on. */
  readonly watch: (tunnel: TLSSocket) => void;
  readonly onStream: (request: {
    readonly tls: TLSSocket;
    /** SPIFFE id that the caller has proven; undefined where its certificate names none. */
    readonly identity: string | undefined;
    readonly stream: ServerHttp2Stream;
    readonly headers: IncomingHttpHeaders;
  }) => void;
}

/** The end of HBONE connections to one pod: mutual TLS 1.3, HTTP/2 with nothing but CONNECT. */
export interface TunnelServer {
  accept(socket: Socket): void;
  /** For connections from now on. */
  renew(credentials: Credentials): void;
  /** Lets streams end and takes no new ones. */
  drain(): void;
  destroy(): void;
}

export function createTunnelServer({ credentials, log, watch, onStream }: TunnelServerOptions): TunnelServer {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    ...materialOf(credentials),
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: 10_000,
  });
  server.on("tlsClientError", (error, tls) => {
    // Who is turned away for its certificate may be gone by now.
    const peer = tls.remoteAddress === undefined ? undefined : `${tls.remoteAddress}:${tls.remotePort}`;
    const reason = String(tls.authorizationError ?? error.message);
    log.warn({ "src.addr": peer, error: reason }, "refused a tunnel: TLS failed");
    tls.destroy();
  });
  server.on("secureConnection", (tls) => {
    tls.on("error", () => undefined);
    // Who does not ask for h2 speaks something else.
    if (tls.alpnProtocol !== "h2") return void tls.destroy();
    watch(tls);
    // Once for all streams: taking a certificate apart costs more than all else that a new stream costs.
    const identity = namesOf(tls.getPeerCertificate()).uris.find((uri) => parseSpiffeId(uri) !== undefined);
    const session = serveTunnel(tls, (stream, headers) => onStream({ tls, identity, stream, headers }));
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  return {
    accept: (socket) => {
      // Streams end one way after the other, their connection at once.
      socket.allowHalfOpen = false;
      server.emit("connection", socket);
    },
    renew: (next) => server.setSecureContext(materialOf(next)),
    drain: () => {
      for (const session of sessions) session.close();
    },
    destroy: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

const materialOf = ({ certificate: { chain, privateKey, roots }, revoked }: Credentials) => ({
  cert: chain,
  key: privateKey,
  ca: roots,
  ...(revoked.length > 0 && { crl: [...revoked] }),
});
