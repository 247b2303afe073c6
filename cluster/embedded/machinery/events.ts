import type { IEvent } from "kubernetes-models/v1/Event";
import type { KubeObject } from "#api/kinds/object.ts";
import { type Clock, type Logger, timestamp } from "./clock.ts";
import { coreV1, type Resources } from "./resources.ts";

export interface EventDetails {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** The part of the object that it is about, such as `spec.containers{web}`. */
  readonly fieldPath?: string;
}

/** Tells people what happens to an object, by Event objects beside it. */
export interface EventRecorder {
  record(about: KubeObject, details: EventDetails): void;
}

interface Known {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

const MAX_KNOWN = 1000;
/** Events give way to what makes pods start: they are written a little later, one after the other. */
const DELAY_MS = 100;

/** Records events through the API. The same event again raises its count, as the kubelet does. Failures are only logged. */
export function createEventRecorder(options: {
  resources: Resources;
  clock: Clock;
  logger: Logger;
  host: string;
}): EventRecorder {
  const known = new Map<string, Known>();
  let queue: (() => Promise<void>)[] = [];
  let running = false;
  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      for (const write of batch)
        await write().catch((error: unknown) =>
          options.logger.debug({ error: String(error) }, "an event could not be written"),
        );
    }
    running = false;
  };
  return {
    record: (about, details) => {
      const at = timestamp(options.clock.now());
      queue.push(() => writeEvent({ resources: options.resources, known, host: options.host }, { about, details, at }));
      if (running) return;
      running = true;
      options.clock.after(DELAY_MS, () => void drain());
    },
  };
}

interface Writer {
  readonly resources: Resources;
  readonly known: Map<string, Known>;
  readonly host: string;
}

async function writeEvent(
  writer: Writer,
  entry: { about: KubeObject; details: EventDetails; at: string },
): Promise<void> {
  const { about, details, at } = entry;
  const key = [about.metadata.uid, details.reason, details.message, details.fieldPath].join("\0");
  const known = writer.known.get(key);
  if (known !== undefined) {
    known.count++;
    await writer.resources.patch(coreV1("events"), known.namespace, known.name, {
      type: "merge",
      body: { count: known.count, lastTimestamp: at },
    });
    return;
  }
  const event = newEvent(writer.host, entry);
  const { name = "", namespace = "default" } = event.metadata;
  writer.known.set(key, { name, namespace, count: 1 });
  const oldest = writer.known.keys().next().value;
  if (writer.known.size > MAX_KNOWN && oldest !== undefined) writer.known.delete(oldest);
  await writer.resources.create(coreV1("events"), event);
}

function newEvent(host: string, entry: { about: KubeObject; details: EventDetails; at: string }): IEvent & KubeObject {
  const { about, details, at } = entry;
  const { name = "", namespace = "default", uid, resourceVersion } = about.metadata;
  const { fieldPath } = details;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(fieldPath === undefined ? {} : { fieldPath }),
    },
    type: details.type,
    reason: details.reason,
    message: details.message,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    source: { component: "kubelet", host },
    reportingComponent: "kubelet",
    reportingInstance: host,
  };
}
