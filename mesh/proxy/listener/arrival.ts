import type { Socket } from "node:net";
import type { Authority } from "../../lib/hbone/authority.ts";
import { plainAddress } from "../../lib/match/cidr.ts";
import type { DownstreamConnection, DownstreamTls } from "../http1/streams.ts";
import type { Provenance } from "../internal/provenance.ts";
import { addressText } from "../upstream/host.ts";
import type { CompiledListener } from "./compile-listener.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import type { Inspection } from "./inspect.ts";

/** A connection that was accepted, before anybody looked into it. */
export interface Arrival {
  readonly listener: CompiledListener;
  readonly remote: Authority;
  /** Where the connection was going: before it was redirected, or its own other end. */
  readonly destination: Authority;
  readonly provenance: Provenance | undefined;
}

/** A connection that came to a socket. */
export function arrivalAt(socket: Socket, listener: CompiledListener, original: Authority | undefined): Arrival {
  return {
    listener,
    remote: { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 },
    destination: original ?? { address: plainAddress(socket.localAddress ?? ""), port: socket.localPort ?? 0 },
    provenance: undefined,
  };
}

/** A connection that goes on inside the proxy. */
export const arrivalFrom = (provenance: Provenance, listener: CompiledListener): Arrival => ({
  listener,
  remote: provenance.source,
  destination: provenance.destination,
  provenance,
});

/** A connection's addresses, each made once. */
class Peer implements DownstreamConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localText: string;
  readonly remoteText: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
  readonly tls: DownstreamTls | undefined;
  readonly provenance: Provenance | undefined;
  readonly #listener: CompiledListener;

  constructor(
    addresses: Omit<DownstreamConnection, "keepAlive" | "localText" | "remoteText" | "proof">,
    listener: CompiledListener,
  ) {
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.destinationAddress = addresses.destinationAddress;
    this.destinationPort = addresses.destinationPort;
    this.serverName = addresses.serverName;
    this.tls = addresses.tls;
    this.provenance = addresses.provenance;
    this.localText = addressText(this.localAddress, this.localPort);
    this.remoteText = addressText(this.remoteAddress, this.remotePort);
    this.#listener = listener;
  }

  get proof(): DownstreamTls | undefined {
    return this.tls ?? this.provenance?.tls;
  }

  get keepAlive(): boolean {
    return !this.#listener.draining;
  }

  withTls(tls: DownstreamTls): Peer {
    return new Peer({ ...this, tls }, this.#listener);
  }
}

/** As Envoy with an original destination: the local address is where the client meant to go. */
export function describe({ listener, remote, destination, provenance }: Arrival, { serverName }: Inspection): Peer {
  return new Peer(
    {
      localAddress: destination.address,
      localPort: destination.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      destinationAddress: destination.address,
      destinationPort: destination.port,
      serverName,
      tls: undefined,
      provenance,
    },
    listener,
  );
}

export const factsOf = ({ remote, destination, provenance }: Arrival, inspection: Inspection): ConnectionFacts => ({
  destinationAddress: destination.address,
  destinationPort: destination.port,
  sourceAddress: remote.address,
  sourcePort: remote.port,
  state: provenance?.state,
  ...inspection,
});
