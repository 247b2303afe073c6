import type { ObjectCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import type { EventRecorder } from "../machinery/events.ts";
import type { Namespaces } from "../network/netns.ts";
import type { Libc } from "../sandbox/libc.ts";
import type { BaseRoot, Mount } from "./container-command.ts";
import type { ImageCatalogue } from "./images.ts";
import type { ConfigMap, Pod, Secret, Service } from "./kinds.ts";
import type { LogStore } from "./log-store.ts";
import type { PodVolumes } from "./volumes.ts";

/** What every container of the node shares. */
export interface ContainerHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly images: ImageCatalogue;
  readonly namespaces: Namespaces;
  readonly libc: Libc;
  readonly base: BaseRoot;
  readonly fullIdMap: boolean;
  readonly logs: LogStore;
  readonly configMaps: ObjectCache<ConfigMap>;
  readonly secrets: ObjectCache<Secret>;
  readonly services: ObjectCache<Service>;
}

/** What every container of a pod shares. */
export interface PodSandbox {
  /** The pod as it is now. */
  pod(): Pod;
  readonly netns: string;
  readonly address: string;
  readonly hostIp: string;
  readonly hostname: string;
  readonly volumes: PodVolumes;
  /** Folder of the pod on the sandbox's tmpfs. */
  readonly runDir: string;
  /** The pod's own files of /etc. */
  readonly etc: readonly Mount[];
}
