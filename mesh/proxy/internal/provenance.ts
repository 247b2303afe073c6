import type { Authority } from "../../lib/hbone/authority.ts";
import type { DownstreamTls } from "../http1/streams.ts";
import type { PeerMetadata } from "../request-record.ts";

/** What a connection inside the proxy carries on of the one that it continues. */
export interface Provenance {
  /** Who began it. */
  readonly source: Authority;
  /** Who is meant: the authority of a tunnel, or what an endpoint stands for. */
  readonly destination: Authority;
  /** Whom to connect to instead of the destination: its waypoint. */
  readonly via: Authority | undefined;
  /** What the certificates of the tunnel that brought it have proven. */
  readonly tls: DownstreamTls | undefined;
  /** What the caller says of itself; undefined where it says nothing that fits what is proven. */
  readonly peer: PeerMetadata | undefined;
  /** Envoy's filter state that is shared with upstream connections. */
  readonly state: ReadonlyMap<string, string>;
}
