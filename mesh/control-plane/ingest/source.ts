import type { KubeObject } from "#api/kinds/object.ts";

/** Takes objects as they come and go. */
export interface ObjectSink {
  put(object: KubeObject): void;
  delete(object: KubeObject): void;
}

/** Where objects come from. */
export interface ObjectSource {
  /** Begins to deliver; resolves when everything that is there now was delivered. */
  start(sink: ObjectSink): Promise<void>;
  stop(): void;
}
