import type { Clock, Logger } from "../machinery/clock.ts";
import type { EventRecorder } from "../machinery/events.ts";
import type { Resources, ResourceType } from "../machinery/resources.ts";

/** What every controller works with. */
export interface ControllerContext {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  /** All kinds that the API server has; they change with custom resource definitions. */
  readonly types: ResourceTypes;
  /** PEM of the cluster's CA. */
  readonly clusterCa: string;
}

export interface KnownType extends ResourceType {
  readonly namespaced: boolean;
}

export interface ResourceTypes {
  all(): readonly KnownType[];
  onChange(listener: () => void): () => void;
}

/** A running controller. */
export interface Controller {
  stop(): void;
}
