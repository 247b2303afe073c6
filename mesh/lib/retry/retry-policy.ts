import type { HeaderMatcher, RetryPolicy } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { milliseconds } from "../match/duration.ts";
import { compileHeaderMatcher, type HeaderTest } from "../match/header-match.ts";
import type { RegexCache } from "../match/regex.ts";

/** How an attempt failed before it had a response head. */
export type AttemptFailure = "connect-failure" | "reset" | "reset-before-request" | "per-try-timeout";

/** A compiled retry policy of a route. */
export interface CompiledRetryPolicy {
  readonly retries: number;
  /** Milliseconds; 0 for none. */
  readonly perTryTimeoutMs: number;
  /** Do not pick a host that was tried already, as long as there is another (retry_host_predicate previous_hosts). */
  readonly avoidPreviousHosts: boolean;
  readonly hostAttempts: number;
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
  retriesFailure(failure: AttemptFailure): boolean;
  retriesResponse(status: number, headers: { get(name: string): string | undefined }): boolean;
}

/** Envoy's default base interval. */
const defaultBaseMs = 25;

/** Compiles Envoy's RetryPolicy; retry_on is a comma-separated list of conditions. */
export function compileRetryPolicy(policy: RetryPolicy, regexes: RegexCache): CompiledRetryPolicy {
  const conditions = new Set(policy.retryOn.split(",").map((condition) => condition.trim()));
  const codes = new Set(policy.retriableStatusCodes);
  const base = milliseconds(policy.retryBackOff?.baseInterval) ?? defaultBaseMs;
  return {
    retries: policy.numRetries ?? 1,
    perTryTimeoutMs: milliseconds(policy.perTryTimeout) ?? 0,
    avoidPreviousHosts: policy.retryHostPredicate.some((predicate) => predicate.name.includes("previous_hosts")),
    hostAttempts: policy.hostSelectionRetryMaxAttempts || 1,
    baseIntervalMs: base,
    maxIntervalMs: milliseconds(policy.retryBackOff?.maxInterval) ?? base * 10,
    retriesFailure: (failure) => failureTest(conditions, failure),
    retriesResponse: responseTest(conditions, codes, headerTests(policy.retriableHeaders, regexes)),
  };
}

function headerTests(matchers: readonly HeaderMatcher[], regexes: RegexCache): readonly HeaderTest[] {
  return matchers.map((matcher) => compileHeaderMatcher(matcher, regexes));
}

function failureTest(conditions: ReadonlySet<string>, failure: AttemptFailure): boolean {
  // 5xx and gateway-error hold for a request that got no answer at all, too.
  const anyReset = conditions.has("5xx") || conditions.has("gateway-error") || conditions.has("reset");
  switch (failure) {
    case "connect-failure":
      return anyReset || conditions.has("connect-failure");
    case "reset-before-request":
      return anyReset || conditions.has("reset-before-request");
    case "reset":
    case "per-try-timeout":
      return anyReset;
  }
}

function responseTest(
  conditions: ReadonlySet<string>,
  codes: ReadonlySet<number>,
  headers: readonly HeaderTest[],
): CompiledRetryPolicy["retriesResponse"] {
  const all5xx = conditions.has("5xx");
  const gateway = all5xx || conditions.has("gateway-error");
  const conflict = conditions.has("retriable-4xx");
  const listed = conditions.has("retriable-status-codes");
  const byHeader = conditions.has("retriable-headers") ? headers : [];
  return (status, source) => {
    if (all5xx && status >= 500 && status < 600) return true;
    if (gateway && status >= 502 && status <= 504) return true;
    if (conflict && status === 409) return true;
    if (listed && codes.has(status)) return true;
    return byHeader.length > 0 && byHeader.some((test) => test(source));
  };
}

/** Envoy's fully jittered exponential back-off: a random time in [0, (2^attempt - 1) * base), below the maximum. Attempts from 1. */
export function backOffMs(policy: CompiledRetryPolicy, attempt: number, random: () => number): number {
  const ceiling = Math.min(policy.maxIntervalMs, (2 ** attempt - 1) * policy.baseIntervalMs);
  return random() * ceiling;
}
