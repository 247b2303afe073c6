import type { WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import type { RevocationFile } from "#mesh/lib/identity/revocation-file.ts";
import type { Registry } from "#mesh/lib/metrics/registry.ts";
import type { XdsClient } from "#mesh/lib/xds/client.ts";
import type { ProxyConfig } from "../config.ts";
import type { DataPlane } from "../data-plane.ts";
import type { EventStream } from "./event-stream.ts";
import type { Subscriptions } from "./intake.ts";
import type { Log } from "./log.ts";

export type ServerState = "LIVE" | "DRAINING" | "PRE_INITIALIZING" | "INITIALIZING";

/** What the admin and status ports show and do. */
export interface AgentView {
  readonly config: ProxyConfig;
  readonly startedAt: number;
  readonly log: Log;
  readonly registry: Registry;
  readonly events: EventStream;
  readonly xds: Pick<XdsClient, "status">;
  readonly subscriptions: Subscriptions;
  readonly dataPlane: Pick<DataPlane, "clusterStatus" | "listenerStatus">;
  certificate(): WorkloadCertificate | undefined;
  /** What the mesh's authorities have revoked. */
  readonly revocation: Pick<RevocationFile, "lists" | "pem">;
  state(): ServerState;
  /** Why it is not ready; undefined when it is. */
  notReady(): string | undefined;
  /** Drains, then ends the process. */
  quit(): void;
  /** Stops accepting and lets what is in flight end; the process stays. */
  drain(): void;
}
