import type { Logger } from "pino";
import type { Outgoing, ProxySession } from "./proxy-session.ts";
import type { Rejection } from "./watch.ts";

/** What happens between us and proxies; the status pages, metrics and log read it. */
export interface ProxyEvents {
  connected(session: ProxySession): void;
  disconnected(session: ProxySession): void;
  sent(session: ProxySession, outgoing: Outgoing): void;
  rejected(session: ProxySession, rejection: Rejection): void;
  synced(session: ProxySession, generation: number): void;
}

/** A refusal as it is shown. */
export interface RecordedRejection extends Rejection {
  readonly proxy: string;
  /** RFC 3339. */
  readonly time: string;
}

export interface SnapshotTime {
  readonly generation: number;
  readonly at: number;
}

const KEPT_REJECTIONS = 100;
/** Upper bounds of the histogram pilot_proxy_convergence_time, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30];
const KEPT_GENERATIONS = 256;

/** Counts and keeps what the status pages show. */
export class ProxyRecord implements ProxyEvents {
  readonly #log: Logger;
  readonly #now: () => Date;
  readonly #rejections: RecordedRejection[] = [];
  readonly #published: SnapshotTime[] = [];
  readonly pushes = new Map<string, number>();
  readonly rejects = new Map<string, number>();
  readonly convergence = { bounds, counts: bounds.map(() => 0), sum: 0, count: 0 };

  constructor(log: Logger, now: () => Date = () => new Date()) {
    this.#log = log;
    this.#now = now;
  }

  /** The newest refusals, oldest first. */
  get rejections(): readonly RecordedRejection[] {
    return this.#rejections;
  }

  /** Notes when a snapshot's first change arrived, to measure how long it took to be everywhere. */
  published(generation: number, changedAt: Date): void {
    this.#published.push({ generation, at: changedAt.getTime() });
    if (this.#published.length > KEPT_GENERATIONS) this.#published.shift();
  }

  connected({ node }: ProxySession): void {
    this.#log.info({ proxy: node.id, type: node.type }, "proxy connected");
  }

  disconnected({ node }: ProxySession): void {
    this.#log.info({ proxy: node.id }, "proxy disconnected");
  }

  sent(_session: ProxySession, { type }: Outgoing): void {
    const name = type.toLowerCase();
    this.pushes.set(name, (this.pushes.get(name) ?? 0) + 1);
  }

  rejected({ node }: ProxySession, rejection: Rejection): void {
    this.#log.warn({ proxy: node.id, type: rejection.type, reason: rejection.message }, "configuration refused");
    const name = rejection.type.toLowerCase();
    this.rejects.set(name, (this.rejects.get(name) ?? 0) + 1);
    this.#rejections.push({ ...rejection, proxy: node.id, time: this.#now().toISOString() });
    if (this.#rejections.length > KEPT_REJECTIONS) this.#rejections.shift();
  }

  synced(_session: ProxySession, generation: number): void {
    const start = this.#published.find((one) => one.generation === generation);
    if (start === undefined) return;
    const seconds = Math.max(0, this.#now().getTime() - start.at) / 1000;
    const { convergence } = this;
    convergence.sum += seconds;
    convergence.count += 1;
    bounds.forEach((bound, index) => {
      if (seconds <= bound) convergence.counts[index] = (convergence.counts[index] ?? 0) + 1;
    });
  }
}
