import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, createServer } from "node:tls";
import { parseAuthority } from "#mesh/lib/hbone/authority.ts";
import { TunnelPool } from "#mesh/lib/hbone/pool.ts";
import { serveTunnel } from "#mesh/lib/hbone/serve.ts";
import { abort } from "#mesh/lib/hbone/stream.ts";
import type { TestAuthority } from "#mesh/lib/identity/testing/authority.ts";

export interface TunnelEnd {
  readonly port: number;
  readonly streams: { readonly headers: IncomingHttpHeaders; readonly peer: string | undefined }[];
  connections(): number;
  close(): void;
}

/** Stands for the node's ztunnel before a pod: ends tunnels and connects to whoever is asked for. */
export async function tunnelEnd(
  authority: TestAuthority,
  uri: string,
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void = passOn,
): Promise<TunnelEnd> {
  const { certificate: cert, key } = authority.issue(uri);
  const streams: TunnelEnd["streams"] = [];
  const sessions = new Set<{ destroy(): void }>();
  let connections = 0;
  const server = createServer({
    cert,
    key,
    ca: authority.rootPem,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.3",
  });
  server.on("secureConnection", (tls) => {
    connections++;
    const peer = tls.getPeerX509Certificate()?.subjectAltName;
    const session = serveTunnel(tls, (stream, headers) => {
      streams.push({ headers, peer });
      stream.on("error", () => undefined);
      answer(stream, headers);
    });
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    streams,
    connections: () => connections,
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function passOn(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const target = parseAuthority(headers[":authority"]);
  if (target === undefined) return stream.respond({ ":status": 400 }, { endStream: true });
  const socket = connect({ host: target.address, port: target.port, allowHalfOpen: true });
  socket.once("error", () => abort(stream));
  socket.once("connect", () => {
    stream.respond({ ":status": 200 });
    stream.pipe(socket).pipe(stream);
  });
}

export interface TunnelCaller {
  /** Opens a stream to an authority; rejects with TunnelError. */
  open(headers: OutgoingHttpHeaders): Promise<Duplex>;
  close(): void;
}

/** Stands for the ztunnel of a pod that calls. */
export function tunnelCaller(authority: TestAuthority, uri: string, port: number): TunnelCaller {
  const { certificate: cert, key } = authority.issue(uri);
  const pool = new TunnelPool();
  const secure = () =>
    new Promise<ReturnType<typeof connectTls>>((resolve, reject) => {
      const tls = connectTls({
        host: "127.0.0.1",
        port,
        cert,
        key,
        ca: authority.rootPem,
        ALPNProtocols: ["h2"],
        checkServerIdentity: () => undefined,
      });
      tls.once("error", reject);
      tls.once("secureConnect", () => resolve(tls));
    });
  return { open: (headers) => pool.open({ key: "peer", secure }, headers), close: () => pool.destroy() };
}

/** Sends a request over a stream and reads until `enough` holds or it ends. */
export function ask(stream: Duplex, request: string, enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (enough(text)) done();
    };
    const done = (): void => {
      stream.off("data", onData);
      resolve(text);
    };
    stream.on("error", () => undefined);
    stream.on("data", onData).once("end", done).once("close", done);
    stream.write(request, "latin1");
  });
}
