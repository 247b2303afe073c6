import type { TLSSocket } from "node:tls";
import { peerChain } from "./peer-chain.ts";
import { isRevoked, type RevocationList } from "./revocation.ts";

/** TLS connections whose other side has shown a certificate, for as long as they stand. */
export class StandingPeers {
  readonly #sockets = new Set<TLSSocket>();

  get size(): number {
    return this.#sockets.size;
  }

  /** @param onGone called when the connection has ended, for whatever reason */
  add(socket: TLSSocket, onGone: () => void = () => undefined): void {
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      onGone();
    });
  }

  /** Ends those whose certificate, or one above it, is revoked. Says how many that were. */
  endRevoked(lists: readonly RevocationList[]): number {
    if (lists.length === 0) return 0;
    const ended = [...this.#sockets].filter((socket) => {
      const chain = peerChain(socket);
      // A session that was resumed may show no certificate again: then it begins anew and shows it.
      return chain.length === 0 || chain.some((one) => isRevoked(lists, one));
    });
    for (const socket of ended) socket.destroy();
    return ended.length;
  }
}
