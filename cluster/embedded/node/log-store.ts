import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../machinery/clock.ts";
import { CriLog } from "./cri-log.ts";
import type { PodName } from "./kinds.ts";
import type { StoredLog } from "./log-query.ts";

/** Where logs of containers lie: `<folder>/<namespace>_<pod>_<uid>/<container>/<restart>.log`, as on any node. */
export class LogStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #live = new Map<string, CriLog>();

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Opens the log of one run of a container. Logs older than the previous run are removed. */
  open(pod: PodName, container: string, restart: number): CriLog {
    const path = this.#path(pod, container, restart);
    const log = new CriLog(path, () => this.#clock.now());
    this.#live.set(path, log);
    if (restart >= 2) void this.#removeRun(this.#path(pod, container, restart - 2));
    return log;
  }

  find(pod: PodName, container: string, restart: number): StoredLog {
    const path = this.#path(pod, container, restart);
    return { path, live: this.#live.get(path) };
  }

  async close(log: CriLog): Promise<void> {
    await log.close();
    this.#live.delete(log.file.path);
  }

  async remove(pod: PodName): Promise<void> {
    await rm(this.#podFolder(pod), { recursive: true, force: true });
  }

  /** Removes logs of pods that are no more. */
  async keepOnly(pods: readonly PodName[]): Promise<void> {
    const kept = new Set(pods.map((pod) => this.#podFolder(pod)));
    const found = await readdir(this.#folder).catch(() => []);
    await Promise.all(
      found
        .map((name) => join(this.#folder, name))
        .flatMap((path) => (kept.has(path) ? [] : [rm(path, { recursive: true, force: true })])),
    );
  }

  async #removeRun(path: string): Promise<void> {
    await Promise.all([path, `${path}.1`, `${path}.2`].map((file) => rm(file, { force: true })));
  }

  #podFolder(pod: PodName): string {
    return join(this.#folder, `${pod.namespace}_${pod.name}_${pod.uid}`);
  }

  #path(pod: PodName, container: string, restart: number): string {
    return join(this.#podFolder(pod), container, `${restart}.log`);
  }
}
