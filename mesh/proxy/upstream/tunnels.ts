import type { OutgoingHttpHeaders } from "node:http2";
import { TLSSocket } from "node:tls";
import { TunnelError, TunnelPool } from "../../lib/hbone/pool.ts";
import type { InternalConnection } from "../internal/network.ts";
import type { ClusterRuntime } from "./cluster.ts";
import { openConnection } from "./connect.ts";
import type { Host } from "./host.ts";
import { type UpstreamProof, unproven } from "./transport.ts";

/** HBONE connections to the hosts of one cluster: streams to the same host share them. */
export class ClusterTunnels {
  readonly #cluster: ClusterRuntime;
  readonly #pool: TunnelPool;
  /** Of the hosts that tunnels lead to now. */
  readonly #proofs = new Map<string, UpstreamProof>();

  constructor(cluster: ClusterRuntime) {
    this.#cluster = cluster;
    this.#pool = new TunnelPool({ idleMs: cluster.config.idleTimeoutMs });
  }

  async open(host: Host, headers: OutgoingHttpHeaders): Promise<InternalConnection> {
    host.totalRequests += 1;
    const stream = await this.#pool.open({ key: host.address, secure: () => this.#secure(host) }, headers);
    host.activeRequests += 1;
    stream.once("close", () => {
      host.activeRequests -= 1;
    });
    return { stream, proof: this.#proofs.get(host.address) ?? unproven };
  }

  /** What is idle ends now, the others with their last stream. */
  close(): void {
    this.#pool.drain();
  }

  #secure(host: Host): Promise<TLSSocket> {
    const { config, environment, breaker } = this.#cluster;
    return new Promise((resolve, reject) => {
      const failed = (reason: string): void => {
        host.connectFailures += 1;
        this.#cluster.noteFailure(host);
        reject(new TunnelError(reason));
      };
      openConnection(
        {
          host: host.description,
          tls: config.transport(host.description.transportMatch),
          localAddress: config.localAddress,
          timeoutMs: config.connectTimeoutMs,
          onread: undefined,
          session: undefined,
          from: environment,
        },
        {
          connected: (socket, proof) => {
            if (!(socket instanceof TLSSocket) || socket.alpnProtocol !== "h2") {
              socket.destroy();
              return failed("the peer does not speak HTTP/2 over TLS");
            }
            // A peer that ends its side has ended the connection: streams have ends of their own.
            socket.allowHalfOpen = false;
            socket.setKeepAlive(true, 180_000);
            this.#proofs.set(host.address, proof);
            breaker.connections += 1;
            host.activeConnections += 1;
            socket.once("close", () => {
              breaker.connections -= 1;
              host.activeConnections -= 1;
              if (host.activeConnections === 0) this.#proofs.delete(host.address);
            });
            resolve(socket);
          },
          failed,
        },
      );
    });
  }
}
