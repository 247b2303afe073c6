import type { CompiledRetryPolicy } from "../../lib/retry/retry-policy.ts";
import type { Head } from "../http1/head.ts";
import type { ClusterSlot, ClusterSlots } from "../upstream/cluster-slot.ts";
import type { FormatContext } from "./format.ts";
import type { HeaderEdits } from "./header-edits.ts";
import type { CompiledMatch } from "./route-match.ts";

/** A route as requests use it: everything looked up and parsed beforehand. */
export interface CompiledRoute {
  readonly name: string;
  /** Path of the manifest that it comes from, from the route's `istio` metadata. */
  readonly configSource: string;
  readonly match: CompiledMatch;
  readonly action: RouteAction;
  readonly requestEdits: HeaderEdits | undefined;
  readonly responseEdits: HeaderEdits | undefined;
  readonly attemptCount: boolean;
  readonly attemptCountInResponse: boolean;
  /** Compiled per-route configuration by the filter's name. */
  readonly filters: ReadonlyMap<string, unknown>;
}

export type RouteAction = ForwardAction | RedirectAction | DirectAction;

export interface ForwardAction {
  readonly kind: "forward";
  readonly target: Target;
  readonly timeoutMs: number;
  /** Undefined leaves the listener's. */
  readonly idleTimeoutMs: number | undefined;
  readonly retry: CompiledRetryPolicy | undefined;
  readonly rewritePath: ((path: string) => string) | undefined;
  readonly rewriteHost: ((head: Head) => string | undefined) | undefined;
  readonly autoHostRewrite: boolean;
  readonly mirrors: readonly Mirror[];
  readonly hash: ((head: Head, remoteAddress: string) => number | undefined) | undefined;
  /** Upgrade types that the route allows or forbids against its listener's. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  readonly notFoundStatus: number;
  /** Bytes of a request that may be kept for a retry. */
  readonly bufferLimit: number;
}

export type Target =
  | { readonly kind: "one"; readonly choice: Choice }
  | { readonly kind: "weighted"; readonly choices: readonly WeightedChoice[]; readonly total: number }
  | { readonly kind: "header"; readonly name: string; readonly slots: ClusterSlots };

export interface Choice {
  readonly slot: ClusterSlot;
  readonly requestEdits: HeaderEdits | undefined;
  readonly responseEdits: HeaderEdits | undefined;
  readonly hostRewrite: string | undefined;
}

export interface WeightedChoice extends Choice {
  /** The sum of the weights up to this one. */
  readonly upTo: number;
}

export interface Mirror {
  readonly slot: ClusterSlot;
  readonly fraction: number;
  readonly hostSuffix: string;
}

export interface RedirectAction {
  readonly kind: "redirect";
  readonly status: number;
  location(head: Head, scheme: string): string;
}

export interface DirectAction {
  readonly kind: "direct";
  readonly status: number;
  readonly body: string;
}

export interface CompiledRoutes {
  readonly name: string;
  /**
   * The route for a request; undefined when no virtual host or no route fits.
   * @param findings what filters found out about it, by their names
   */
  find(head: Head, findings?: ReadonlyMap<string, unknown>): CompiledRoute | undefined;
}

export type { FormatContext };
