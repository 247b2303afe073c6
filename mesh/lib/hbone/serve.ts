import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import { CONNECTION_WINDOW, hboneSettings, SESSION_MEMORY } from "./settings.ts";

export type OnTunnelStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Serves the streams of a tunnel whose TLS handshake agreed on h2. What they ask for is the caller's business. */
export function serveTunnel(tls: TLSSocket, onStream: OnTunnelStream): ServerHttp2Session {
  const session = performServerHandshake(tls, { settings: hboneSettings, maxSessionMemory: SESSION_MEMORY });
  session.setLocalWindowSize(CONNECTION_WINDOW);
  session.on("error", () => undefined);
  session.on("stream", onStream);
  return session;
}
