import { RetryPolicy } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { PreviousHostsPredicate } from "#gen/xds/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts";
import { parseDuration } from "../model/duration.ts";
import type { HttpRetries } from "../model/virtual-service.ts";
import { pack } from "./any.ts";

/** What is tried again when nobody says otherwise: failures that cannot have had an effect. Source: Istio. */
const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const DEFAULT_ATTEMPTS = 2;

const previousHosts = () => ({
  name: "envoy.retry_host_predicates.previous_hosts",
  configType: {
    $case: "typedConfig" as const,
    value: pack(
      "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
      PreviousHostsPredicate,
      PreviousHostsPredicate.fromPartial({}),
    ),
  },
});

/** How a route retries; undefined where retries are switched off by zero attempts. */
export function buildRetryPolicy(retries: HttpRetries | undefined): RetryPolicy | undefined {
  const attempts = retries?.attempts ?? DEFAULT_ATTEMPTS;
  if (attempts === 0) return undefined;
  const { retryOn, statusCodes } = splitRetryOn(retries?.retryOn || DEFAULT_RETRY_ON);
  return {
    ...RetryPolicy.fromPartial({}),
    retryOn,
    numRetries: attempts,
    retriableStatusCodes: statusCodes,
    perTryTimeout: retries?.perTryTimeout === undefined ? undefined : parseDuration(retries.perTryTimeout),
    ...(retries?.retryIgnorePreviousHosts === false ? {} : { retryHostPredicate: [previousHosts()] }),
    hostSelectionRetryMaxAttempts: 5,
    ...(retries?.backoff === undefined
      ? {}
      : { retryBackOff: { baseInterval: parseDuration(retries.backoff), maxInterval: undefined } }),
  };
}

/** Status codes may stand among the conditions; Envoy wants them apart. */
function splitRetryOn(text: string): { retryOn: string; statusCodes: number[] } {
  const parts = text.split(",").map((part) => part.trim());
  const statusCodes = parts.filter((part) => /^\d{3}$/.test(part)).map(Number);
  const conditions = parts.filter((part) => part !== "" && !/^\d{3}$/.test(part));
  if (statusCodes.length > 0 && !conditions.includes("retriable-status-codes"))
    conditions.push("retriable-status-codes");
  return { retryOn: conditions.join(","), statusCodes };
}
