import { isDeepStrictEqual } from "node:util";
import type { IPodStatus } from "kubernetes-models/v1/PodStatus";
import type { Logger } from "../machinery/clock.ts";
import { coreV1, type Resources, StatusError } from "../machinery/resources.ts";
import { type Pod, podName } from "./kinds.ts";

/** Writes one pod's status: what changed in one turn becomes one write, and never two at once. */
export class StatusWriter {
  readonly #resources: Resources;
  readonly #logger: Logger;
  readonly #compute: () => { readonly pod: Pod; readonly status: IPodStatus };
  #dirty = false;
  #writing: Promise<void> | undefined;
  #written: IPodStatus | undefined;
  #closed = false;

  constructor(options: {
    resources: Resources;
    logger: Logger;
    compute: () => { readonly pod: Pod; readonly status: IPodStatus };
  }) {
    this.#resources = options.resources;
    this.#logger = options.logger;
    this.#compute = options.compute;
  }

  /** Something that the status shows has changed. */
  touch(): void {
    this.#dirty = true;
    if (this.#closed) return;
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#drain())
      .finally(() => {
        this.#writing = undefined;
        if (this.#dirty) this.touch();
      });
  }

  /** Resolves when what is known now has been written. */
  async flush(): Promise<void> {
    this.touch();
    while (this.#writing !== undefined) await this.#writing;
  }

  /** The pod is gone: nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#dirty = false;
  }

  async #drain(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      const { pod, status } = this.#compute();
      if (isDeepStrictEqual(status, this.#written ?? pod.status)) continue;
      await this.#write(pod, status);
    }
  }

  async #write(pod: Pod, status: IPodStatus): Promise<void> {
    const { namespace, name, uid } = podName(pod);
    try {
      // The uid keeps the status from landing on a new pod of the same name.
      await this.#resources.patch(coreV1("pods"), namespace, name, {
        type: "merge",
        subresource: "status",
        body: { metadata: { uid }, status },
      });
      this.#written = status;
    } catch (error) {
      if (error instanceof StatusError && (error.reason === "NotFound" || error.reason === "Conflict")) return;
      this.#logger.warn({ namespace, name, error: String(error) }, "a pod's status could not be written");
    }
  }
}
