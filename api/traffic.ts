import type { RequestShape } from "./lab.ts";

/** The control API of the traffic generator (apps/loadgen), as the host speaks it. Port 8080, JSON. */

/** PUT /run */
export interface RunRequest {
  /** Requests per second, open loop: sent at their intended time whatever the answers do. */
  readonly rate: number;
  readonly requests: readonly RequestShape[];
  /** Seconds after which it ends by itself. */
  readonly maxDuration?: number;
}

/** GET /state */
export interface GeneratorState {
  readonly running: boolean;
  readonly run: RunRequest | undefined;
  readonly latest: TrafficInterval | undefined;
}

/** GET /stream: one a second, as NDJSON. */
export interface TrafficInterval {
  /** Milliseconds since the epoch, at its end. */
  readonly time: number;
  readonly seconds: number;
  readonly sent: number;
  readonly completed: number;
  readonly inFlight: number;
  /** Requests that were due but not sent because too many were in flight. */
  readonly overflow: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** service -> version -> answers, from the x-shop-version header. */
  readonly byVersion: VersionCounts;
  readonly byTag: Readonly<Record<string, number>>;
  /** Requests without an answer, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /** From the intended start, so that waiting counts. Undefined without answers. */
  readonly latency: LatencySummary | undefined;
}

export type VersionCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** POST /probe: a bounded burst, answered with NDJSON lines: progress, then the tally. */
export interface ProbeRequest {
  readonly request: Omit<RequestShape, "tag" | "weight">;
  readonly count: number;
  readonly concurrency: number;
}

export type ProbeLine =
  | { readonly type: "progress"; readonly done: number }
  | { readonly type: "tally"; readonly tally: ProbeTally };

export interface ProbeTally {
  readonly count: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byVersion: VersionCounts;
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: LatencySummary | undefined;
}

/** POST /browse: visits a page as a browser would, again and again; answered with the tally. */
export interface BrowseRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What to type into a form that asks for a password. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
  readonly count: number;
}

export interface BrowseTally {
  readonly count: number;
  /** Of the pages at which the visits ended, redirects followed. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byVersion: VersionCounts;
  readonly errors: Readonly<Record<string, number>>;
  /** Visits that ended at a form which asks for a password. */
  readonly loginPages: number;
}

/** Any refusal: status 400 and what is wrong with which field. */
export interface GeneratorError {
  readonly error: string;
  readonly field?: string;
}

/** Whether somebody who asked was not served: refused, failed, or without an answer, which is told as status 0. */
export const isFailedStatus = (status: number): boolean => status === 0 || status >= 400;
