import type { RequestShape } from "#api/lab.ts";
import type { RunRequest, TrafficInterval } from "#api/traffic.ts";
import type { Sender } from "./send.ts";
import { Tally } from "./tally.ts";

const INTERVAL_MS = 1000;
/** What may be in flight at once; beyond it, due requests are counted as overflow instead of piling up. */
const MAX_IN_FLIGHT = 500;

/** Constant-rate traffic, open loop: each request is sent when it is due, whatever the answers do. */
export class Run {
  readonly request: RunRequest;
  readonly #sender: Sender;
  readonly #onInterval: (interval: TrafficInterval) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #choose: () => RequestShape;
  readonly #started = performance.now();
  #due = 0;
  #tally = new Tally();
  #sent = 0;
  #overflow = 0;
  #inFlight = 0;
  #intervalStart = performance.now();

  constructor(request: RunRequest, sender: Sender, onInterval: (interval: TrafficInterval) => void) {
    this.request = request;
    this.#sender = sender;
    this.#onInterval = onInterval;
    this.#choose = weightedChoice(request.requests);
    this.#timer = setInterval(() => this.#tick(), 2);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get ended(): boolean {
    const { maxDuration } = this.request;
    return maxDuration !== undefined && performance.now() - this.#started >= maxDuration * 1000;
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#intervalStart >= INTERVAL_MS) this.#closeInterval(now);
    if (this.ended) return this.stop();
    const spacing = 1000 / this.request.rate;
    for (;;) {
      const dueAt = this.#started + this.#due * spacing;
      if (dueAt > now) return;
      this.#due++;
      if (this.#inFlight >= MAX_IN_FLIGHT) this.#overflow++;
      else this.#send(dueAt);
    }
  }

  #send(dueAt: number): void {
    const shape = this.#choose();
    this.#sent++;
    this.#inFlight++;
    void this.#sender.send(shape, dueAt).then((outcome) => {
      this.#inFlight--;
      this.#tally.add(outcome, shape.tag);
    });
  }

  #closeInterval(now: number): void {
    const tally = this.#tally;
    this.#onInterval({
      time: Date.now(),
      seconds: (now - this.#intervalStart) / 1000,
      sent: this.#sent,
      completed: tally.completed,
      inFlight: this.#inFlight,
      overflow: this.#overflow,
      byStatus: tally.byStatus,
      byVersion: tally.byVersion,
      byTag: tally.byTag,
      errors: tally.errors,
      latency: tally.latency(),
    });
    this.#tally = new Tally();
    this.#sent = 0;
    this.#overflow = 0;
    this.#intervalStart = now;
  }
}

/** Draws shapes in proportion to their weights. */
export function weightedChoice(
  shapes: readonly RequestShape[],
  random: () => number = Math.random,
): () => RequestShape {
  const total = shapes.reduce((sum, shape) => sum + shape.weight, 0);
  return () => {
    let left = random() * total;
    for (const shape of shapes) {
      left -= shape.weight;
      if (left < 0) return shape;
    }
    return shapes.at(-1)!;
  };
}
