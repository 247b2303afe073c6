import type { Duplex } from "node:stream";
import type { UpstreamProof } from "../upstream/transport.ts";
import type { Provenance } from "./provenance.ts";

/** A listener without a socket: connections come to it from inside the proxy alone. */
export interface InternalListener {
  /** Serves a stream that exists already, such as one of a tunnel: nothing stands between it and the filter chain. */
  accept(stream: Duplex, provenance: Provenance): void;
  /** Opens a connection to it. Rejects with what went wrong. */
  connect(provenance: Provenance): Promise<InternalConnection>;
}

export interface InternalConnection {
  readonly stream: Duplex;
  /** Of whoever is at the far end, where the listener leads into a tunnel. */
  readonly proof: UpstreamProof;
}

/** The internal listeners by name: the network on which clusters reach them. Source: Envoy's documentation of internal listeners. */
export class InternalNetwork {
  readonly #listeners = new Map<string, InternalListener>();

  /** Takes the place of the listener of that name. */
  listen(name: string, listener: InternalListener): void {
    this.#listeners.set(name, listener);
  }

  close(name: string): void {
    this.#listeners.delete(name);
  }

  find(name: string): InternalListener | undefined {
    return this.#listeners.get(name);
  }

  async connect(name: string, provenance: Provenance): Promise<InternalConnection> {
    const listener = this.#listeners.get(name);
    if (listener === undefined) throw new Error(`there is no internal listener ${name}`);
    return listener.connect(provenance);
  }
}
