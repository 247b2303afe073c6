import type { LatencySummary } from "#api/traffic.ts";
import { Latencies } from "./histogram.ts";
import type { Outcome } from "./send.ts";

/** Counts of one interval or one probe. */
export class Tally {
  readonly byStatus: Record<string, number> = {};
  readonly byVersion: Record<string, Record<string, number>> = {};
  readonly byTag: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  completed = 0;
  readonly #latencies = new Latencies();

  add(outcome: Outcome, tag: string): void {
    if (outcome.kind === "error") {
      bump(this.errors, outcome.error);
      return;
    }
    this.completed++;
    bump(this.byStatus, String(outcome.status));
    bump(this.byTag, tag);
    for (const pair of outcome.versions) {
      const [service = "", version = ""] = pair.split("=", 2);
      this.byVersion[service] ??= {};
      bump(this.byVersion[service]!, version);
    }
    this.#latencies.record(outcome.latencyMs);
  }

  latency(): LatencySummary | undefined {
    return this.#latencies.summary();
  }
}

function bump(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
