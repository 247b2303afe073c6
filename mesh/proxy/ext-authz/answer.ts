import type { FilterExchange } from "../filters/filter.ts";

export type HeaderLine = readonly [name: string, value: string];

/** A request that an external authorizer is asked about. */
export interface CheckedRequest {
  readonly exchange: FilterExchange;
  /** As much of the body as the check includes; undefined where it includes none. */
  readonly body: { readonly bytes: Buffer; readonly partial: boolean } | undefined;
}

/** What an external authorizer says. */
export type Answer =
  | {
      readonly verdict: "allowed";
      /** Replace the request's header of that name. */
      readonly set: readonly HeaderLine[];
      readonly append: readonly HeaderLine[];
      readonly remove: readonly string[];
      /** Added to whatever the client is answered. */
      readonly toClient: readonly HeaderLine[];
      readonly metadata: unknown;
    }
  | {
      readonly verdict: "denied";
      readonly status: number;
      readonly headers: readonly HeaderLine[];
      readonly body: string;
    }
  | { readonly verdict: "error"; readonly reason: string };

/** Asks once, never again: whether to let somebody in is no idempotent question. Never rejects. */
export interface Authorizer {
  check(request: CheckedRequest, signal: AbortSignal): Promise<Answer>;
}

/** Fields of one connection, and those that say whom a request is for: no authorizer sets or removes them. */
const kept =
  /^(?::.*|host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|content-length|expect)$/;

export const isForwardable = (name: string): boolean => !kept.test(name);

/** The proxy writes these itself into an answer of its own. */
const ownInAnswers = /^(?:server|date|x-envoy-.*)$/;

export const isForAnswer = (name: string): boolean => isForwardable(name) && !ownInAnswers.test(name);
