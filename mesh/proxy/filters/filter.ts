import type { Any } from "#gen/xds/google/protobuf/any.ts";
import type { RegexCache } from "../../lib/match/regex.ts";
import type { Head } from "../http1/head.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { RequestSink } from "../request-record.ts";
import type { CompiledRoute } from "../route/compiled.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";

/** `stop` means that the filter answered, or that it will call `proceed` later. */
export type FilterVerdict = "continue" | "stop";

/** What a filter may see and do of a request. */
export interface FilterExchange {
  readonly head: Head;
  readonly connection: DownstreamConnection;
  readonly route: CompiledRoute;
  /** Of the client, as far as the proxies before this one may be believed. */
  readonly clientAddress: string;
  /** What filters found out for those after them, by the name of the filter. */
  readonly metadata: Map<string, unknown>;
  /** Goes on with the next filter after a `stop`. Does nothing when the request has ended meanwhile. */
  proceed(): void;
  /** Answers instead of the upstream. */
  reply(reply: LocalReply): void;
  addFlag(flag: string): void;
  readonly hasBody: boolean;
  /** Calls back when the request's body is there, or more of it than `limit` bytes; then `partial`, and cut off there. */
  readBody(limit: number, callback: (bytes: Buffer, partial: boolean) => void): void;
  /** Adds a line to the answer, whoever gives it. */
  addToAnswer(name: string, value: string): void;
  /** Looks for the route anew, by what filters changed or found out. */
  refreshRoute(): void;
  /** Runs when the request is over, whatever became of it. */
  onEnd(callback: () => void): void;
}

export interface LocalReply {
  readonly status: number;
  readonly body: string;
  /** Response flags, such as NR; empty for none. */
  readonly flags: string;
  readonly details: string;
  /** Path of the manifest that decided it, where it was not the route's. */
  readonly decidedBy?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** One feature on the way of a request. One instance serves all requests of a listener: state belongs to the exchange. */
export interface HttpFilter {
  readonly name: string;
  /** Keeps requests out: what it cannot look into must not pass. */
  readonly guards?: boolean;
  onRequest?(exchange: FilterExchange): FilterVerdict;
  /** Runs for answers of the upstream and for local ones, in the reverse order. */
  onResponse?(exchange: FilterExchange, head: Head): void;
}

export interface FilterContext {
  readonly random: () => number;
  /** Told what policies decide. */
  readonly sink: RequestSink;
  readonly slots: ClusterSlots;
}

/** How a filter is made from the configuration of its listener and of routes. */
export interface FilterFactory {
  /** Its name in Istio's and Envoy's configuration. */
  readonly name: string;
  /** Undefined when this configuration has no effect. */
  create(config: Any | undefined, context: FilterContext): HttpFilter | undefined;
  /** Compiles what a route says to it. */
  compileRoute?(config: Any, regexes: RegexCache): unknown;
}
