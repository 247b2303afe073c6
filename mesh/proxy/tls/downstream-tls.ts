import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { CommonTlsContext, DownstreamTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { parseSubjectAltName } from "../../lib/identity/spiffe.ts";
import type { DownstreamTls } from "../http1/streams.ts";
import type { SecretStore } from "./secret-store.ts";
import { TlsContext, type TlsMaterial } from "./tls-material.ts";

export interface TlsEvents {
  secured(socket: TLSSocket, tls: DownstreamTls): void;
  failed(reason: string): void;
}

/**
 * Ends TLS of clients. Sockets that were accepted and looked at already are handed to a tls.Server that never listens, which is
 * Node's documented way to run a handshake on them.
 */
export class TlsTerminator {
  readonly #context: TlsContext;
  readonly #requireCertificate: boolean;
  readonly #http: boolean;
  /** By the socket below TLS: of one that is gone nothing else is known any more. */
  readonly #pending = new Map<object, TlsEvents & { readonly material: TlsMaterial }>();
  #server: Server | undefined;
  #material: TlsMaterial | undefined;

  constructor(config: DownstreamTlsContext, secrets: SecretStore, http: boolean) {
    this.#context = new TlsContext(config.commonTlsContext ?? CommonTlsContext.fromPartial({}), secrets);
    this.#requireCertificate = config.requireClientCertificate ?? false;
    this.#http = http;
  }

  accept(socket: Socket, events: TlsEvents): void {
    const material = this.#context.current();
    if ("missing" in material) {
      socket.destroy();
      events.failed(material.missing);
      return;
    }
    this.#pending.set(socket, { ...events, material });
    // Whoever leaves in the middle of a handshake fails it as well.
    socket.once("close", () => this.#take(socket)?.failed("the client ended the handshake"));
    this.#serverFor(material).emit("connection", socket);
  }

  /** New keys count for the next handshake; connections that stand keep what they have. */
  #serverFor(material: TlsMaterial): Server {
    if (this.#server !== undefined && this.#material === material) return this.#server;
    this.#material = material;
    const server = createServer({
      ...material.options,
      requestCert: material.verifies,
      rejectUnauthorized: this.#requireCertificate,
      handshakeTimeout: 15_000,
      allowHalfOpen: true,
      ALPNCallback: ({ protocols }) => this.#negotiate(protocols),
    });
    server.on("secureConnection", (socket) => this.#secured(socket));
    server.on("tlsClientError", (error, socket) => {
      const pending = this.#take(belowOf(socket));
      socket.destroy();
      // Why a certificate was refused; else what went wrong with the handshake.
      const refused: unknown = socket.authorizationError;
      pending?.failed(typeof refused === "string" ? refused : error.message);
    });
    this.#server = server;
    return server;
  }

  /** Our order of preference decides; HTTP/2 is not spoken here. A client that offers only what we do not list gets its first. */
  #negotiate(offered: readonly string[]): string | undefined {
    const usable = offered.filter((protocol) => !this.#http || protocol !== "h2");
    return this.#context.alpn.find((protocol) => usable.includes(protocol)) ?? usable[0];
  }

  #take(below: object): (TlsEvents & { readonly material: TlsMaterial }) | undefined {
    const pending = this.#pending.get(below);
    this.#pending.delete(below);
    return pending;
  }

  #secured(socket: TLSSocket): void {
    const pending = this.#take(belowOf(socket));
    if (pending === undefined) {
      socket.destroy();
      return;
    }
    const tls = describePeer(socket, pending.material);
    if (tls === undefined) {
      socket.destroy();
      pending.failed("the client's certificate is not one of those expected");
    } else {
      if (tls.mutual) this.#context.watch(socket);
      pending.secured(socket, tls);
    }
  }
}

/** The socket that TLS was put on. Node keeps it on a field that it does not document. */
function belowOf(socket: TLSSocket): object {
  const below: unknown = Reflect.get(socket, "_parent");
  return typeof below === "object" && below !== null ? below : socket;
}

/** Undefined when the client's certificate does not pass. */
function describePeer(socket: TLSSocket, material: TlsMaterial): DownstreamTls | undefined {
  const { localUri } = material;
  const certificate = material.verifies ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) {
    return { mutual: false, peerUri: "", localUri, peerSubject: "", peerDns: [], peerHash: "" };
  }
  if (!socket.authorized) return undefined;
  const names = parseSubjectAltName(certificate.subjectAltName);
  const bytes = {
    certificate: () => certificate.raw,
    publicKey: () => certificate.publicKey.export({ type: "spki", format: "der" }),
  };
  if (!material.accepts(names, bytes)) return undefined;
  return {
    mutual: true,
    peerUri: names.uris[0] ?? "",
    localUri,
    peerSubject: (certificate.subject ?? "").split("\n").toReversed().join(","),
    peerDns: names.dns,
    peerHash: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

export function compileDownstreamTls(typeUrl: string, value: Buffer): DownstreamTlsContext {
  if (!typeUrl.endsWith(".DownstreamTlsContext")) throw new Error(`transport socket ${typeUrl} is not supported`);
  return DownstreamTlsContext.decode(value);
}
