import { FaultDelay } from "#gen/xds/envoy/extensions/filters/common/fault/v3/fault.ts";
import { CorsPolicy } from "#gen/xds/envoy/extensions/filters/http/cors/v3/cors.ts";
import { FaultAbort, HTTPFault } from "#gen/xds/envoy/extensions/filters/http/fault/v3/fault.ts";
import { type FractionalPercent, FractionalPercent_DenominatorType } from "#gen/xds/envoy/type/v3/percent.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { parseDuration } from "../model/duration.ts";
import type { Cors, HttpRoute } from "../model/virtual-service.ts";
import { pack } from "./any.ts";
import { stringMatcher } from "./route-match.ts";

/** A percentage (0 to 100) in millionths; all of it if none is given. */
export const fraction = (percent: number | undefined): FractionalPercent => ({
  numerator: Math.round((percent ?? 100) * 10_000),
  denominator: FractionalPercent_DenominatorType.MILLION,
});

/** What a route says to HTTP filters: faults to inject and cross-origin rules. */
export function perRouteFilters(route: HttpRoute): Record<string, Any> {
  return {
    ...(route.fault === undefined ? {} : { "envoy.filters.http.fault": faultConfig(route.fault) }),
    ...(route.corsPolicy === undefined ? {} : { "envoy.filters.http.cors": corsConfig(route.corsPolicy) }),
  };
}

function faultConfig({ delay, abort }: NonNullable<HttpRoute["fault"]>): Any {
  return pack("envoy.extensions.filters.http.fault.v3.HTTPFault", HTTPFault, {
    ...HTTPFault.fromPartial({}),
    delay:
      delay?.fixedDelay === undefined
        ? undefined
        : {
            ...FaultDelay.fromPartial({}),
            faultDelaySecifier: { $case: "fixedDelay", value: parseDuration(delay.fixedDelay) },
            percentage: fraction(delay.percentage?.value ?? delay.percent),
          },
    abort: abort === undefined ? undefined : abortConfig(abort),
  });
}

const grpcCodes = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

function abortConfig(abort: NonNullable<NonNullable<HttpRoute["fault"]>["abort"]>): FaultAbort {
  const errorType: FaultAbort["errorType"] =
    abort.grpcStatus === undefined
      ? { $case: "httpStatus", value: abort.httpStatus ?? 503 }
      : { $case: "grpcStatus", value: Math.max(grpcCodes.indexOf(abort.grpcStatus), 0) };
  return { ...FaultAbort.fromPartial({}), errorType, percentage: fraction(abort.percentage?.value) };
}

function corsConfig(cors: Cors): Any {
  const origins = [...(cors.allowOrigins ?? []), ...(cors.allowOrigin ?? []).map((exact) => ({ exact }))];
  return pack("envoy.extensions.filters.http.cors.v3.CorsPolicy", CorsPolicy, {
    ...CorsPolicy.fromPartial({}),
    // "*" means any origin; it is no value that a browser would send.
    allowOriginStringMatch: origins.map((origin) => stringMatcher(origin.exact === "*" ? { regex: ".*" } : origin)),
    allowMethods: (cors.allowMethods ?? []).join(","),
    allowHeaders: (cors.allowHeaders ?? []).join(","),
    exposeHeaders: (cors.exposeHeaders ?? []).join(","),
    maxAge: cors.maxAge === undefined ? "" : String(parseDuration(cors.maxAge).seconds),
    allowCredentials: cors.allowCredentials ?? undefined,
    forwardNotMatchingPreflights:
      cors.unmatchedPreflights === undefined ? undefined : cors.unmatchedPreflights !== "IGNORE",
    filterEnabled: { defaultValue: fraction(100), runtimeKey: "" },
  });
}
