import type { Socket } from "node:net";
import { type checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";
import { authorityOf } from "#mesh/lib/hbone/authority.ts";
import { TunnelError, type TunnelTarget } from "#mesh/lib/hbone/pool.ts";
import { namesOf } from "#mesh/lib/identity/spiffe.ts";
import type { Credentials } from "../certificates.ts";

/** Who opens tunnels: one pod. */
export interface TunnelClient {
  /** Makes sockets in the network of the pod whose connections these are. */
  readonly socket: () => Socket;
  readonly identity: string;
  readonly credentials: () => Credentials | undefined;
  /** Given every tunnel that was agreed on. */
  readonly watch: (tunnel: TLSSocket) => void;
  readonly connectTimeoutMs?: number;
}

export interface TunnelPeer {
  readonly address: string;
  readonly port: number;
  /** SPIFFE ids of which the peer must prove one. */
  readonly identities: readonly string[];
}

export function tunnelTo(peer: TunnelPeer, client: TunnelClient): TunnelTarget {
  return { key: `${peer.identities.join()}|${authorityOf(peer)}`, secure: () => secure(peer, client) };
}

async function secure({ address, port, identities }: TunnelPeer, client: TunnelClient): Promise<TLSSocket> {
  const credentials = client.credentials();
  if (credentials === undefined) throw new TunnelError(`there is no certificate yet for ${client.identity}`);
  const socket = client.socket();
  // A peer that ends its side has ended the connection: streams have ends of their own.
  socket.allowHalfOpen = false;
  const timeout = client.connectTimeoutMs ?? 10_000;
  const timer = setTimeout(
    () => socket.destroy(new TunnelError(`no connection to ${address}:${port} within ${timeout / 1000} s`)),
    timeout,
  );
  try {
    await connected(socket, address, port);
    socket.setNoDelay(true).setKeepAlive(true, 180_000);
    const tunnel = await handshake(socket, credentials, identities);
    client.watch(tunnel);
    return tunnel;
  } finally {
    clearTimeout(timer);
  }
}

function connected(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => reject(new TunnelError(`connection to ${host}:${port} failed: ${error.message}`)));
    socket.connect({ host, port }, () => resolve());
  });
}

function handshake(socket: Socket, credentials: Credentials, identities: readonly string[]): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket,
      secureContext: credentials.context,
      ALPNProtocols: ["h2"],
      checkServerIdentity: (_, certificate) => wrongPeer(certificate, identities),
    });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(new TunnelError(`TLS with the peer failed: ${error.message}`));
    };
    tls.once("error", fail);
    const onClose = (): void => fail(new Error("the connection was closed"));
    tls.once("close", onClose);
    tls.once("secureConnect", () => {
      if (tls.alpnProtocol !== "h2") return fail(new Error("the peer does not speak h2"));
      tls.off("error", fail).off("close", onClose);
      resolve(tls);
    });
  });
}

/** An error unless the certificate is of one of the identities; names of hosts prove nothing here. */
function wrongPeer(
  certificate: PeerCertificate,
  identities: readonly string[],
): ReturnType<typeof checkServerIdentity> {
  const { uris } = namesOf(certificate);
  if (uris.some((uri) => identities.includes(uri))) return undefined;
  return new Error(`the peer is ${uris.join(", ") || "nobody"}, not ${identities.join(" or ")}`);
}
