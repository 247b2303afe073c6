import type { InFlight } from "../../lib/drain/in-flight.ts";
import type { PathRules } from "../http1/path.ts";
import type { ServerLimits } from "../http1/server-connection.ts";
import type { PeerMetadata, RequestRecord, RequestSink } from "../request-record.ts";
import type { CompiledRoutes } from "../route/compiled.ts";
import type { HttpFilter } from "./filter.ts";
import type { PeerMetadataCodec } from "./peer-metadata.ts";

/** A route configuration's name with what it is now. */
export interface RouteSlot {
  readonly name: string;
  current: CompiledRoutes | undefined;
}

/** What all HTTP connections of a proxy share. */
export interface HttpEnvironment {
  readonly sink: RequestSink;
  readonly nodeId: string;
  readonly self: PeerMetadata;
  readonly peers: PeerMetadataCodec;
  readonly inFlight: InFlight;
  readonly random: () => number;
  readonly date: () => string;
}

export type Direction = RequestRecord["direction"];

/** A compiled HTTP connection manager: what one filter chain does with requests. Immutable but for its routes' slot. */
export interface HttpManager {
  readonly environment: HttpEnvironment;
  readonly direction: Direction;
  readonly routes: RouteSlot;
  readonly filters: readonly HttpFilter[];
  readonly limits: ServerLimits;
  readonly path: PathRules;
  readonly stripPort: "no" | "matching" | "any";
  readonly serverName: string;
  readonly serverHeader: "overwrite" | "append_if_absent" | "pass_through";
  readonly useRemoteAddress: boolean;
  readonly trustedHops: number;
  readonly skipForwardedFor: boolean;
  readonly generateRequestId: boolean;
  readonly preserveRequestId: boolean;
  readonly clientCertificate: "sanitize" | "forward_only" | "append_forward" | "sanitize_set" | "always_forward_only";
  readonly certificateFields: { readonly subject: boolean; readonly dns: boolean; readonly uri: boolean };
  readonly upgrades: ReadonlySet<string>;
  readonly forwardContinue: boolean;
  /** 0 for none. */
  readonly streamIdleMs: number;
  readonly requestTimeoutMs: number;
  /** 0 for none. */
  readonly maxRequestBytes: number;
}
