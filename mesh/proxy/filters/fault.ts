import { HTTPFault } from "#gen/xds/envoy/extensions/filters/http/fault/v3/fault.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import { fractionOf } from "../../lib/match/fraction.ts";
import { compileHeaderMatchers, type HeaderTest } from "../../lib/match/header-match.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { FilterExchange, FilterFactory, FilterVerdict, HttpFilter } from "./filter.ts";

const NAME = "envoy.filters.http.fault";

interface CompiledFault {
  readonly delayMs: number;
  readonly delayFraction: number;
  /** 0 for none. */
  readonly abortStatus: number;
  readonly grpcStatus: number | undefined;
  readonly abortFraction: number;
  readonly headers: HeaderTest | undefined;
}

function compileFault(config: Any, regexes: RegexCache): CompiledFault {
  const fault = HTTPFault.decode(config.value);
  const delay = fault.delay?.faultDelaySecifier;
  const abort = fault.abort?.errorType;
  const grpcStatus = abort?.$case === "grpcStatus" ? abort.value : undefined;
  return {
    delayMs: delay?.$case === "fixedDelay" ? (milliseconds(delay.value) ?? 0) : 0,
    delayFraction: fractionOf(fault.delay?.percentage),
    abortStatus: abort?.$case === "httpStatus" ? abort.value : grpcStatus === undefined ? 0 : 200,
    grpcStatus,
    abortFraction: fractionOf(fault.abort?.percentage),
    headers: compileHeaderMatchers(fault.headers, regexes),
  };
}

/** Delays and aborts on purpose (Envoy's fault filter); a route's configuration replaces the listener's. */
export const faultFilter: FilterFactory = {
  name: NAME,
  compileRoute: compileFault,
  create: (config, { random }): HttpFilter => {
    const own = config === undefined ? undefined : compileFault(config, new RegexCache());
    return {
      name: NAME,
      onRequest: (exchange) => {
        const fault = (exchange.route.filters.get(NAME) as CompiledFault | undefined) ?? own;
        if (fault === undefined || (fault.delayMs === 0 && fault.abortStatus === 0)) return "continue";
        if (fault.headers !== undefined && !fault.headers(exchange.head)) return "continue";
        return inject(exchange, fault, random);
      },
    };
  },
};

function inject(exchange: FilterExchange, fault: CompiledFault, random: () => number): FilterVerdict {
  const delays = fault.delayMs > 0 && random() < fault.delayFraction;
  const aborts = fault.abortStatus > 0 && random() < fault.abortFraction;
  if (!delays) return aborts ? abort(exchange, fault) : "continue";
  exchange.addFlag("DI");
  const timer = setTimeout(() => {
    if (aborts) abort(exchange, fault);
    else exchange.proceed();
  }, fault.delayMs);
  exchange.onEnd(() => clearTimeout(timer));
  return "stop";
}

function abort(exchange: FilterExchange, fault: CompiledFault): FilterVerdict {
  const headers = fault.grpcStatus === undefined ? [] : [["grpc-status", String(fault.grpcStatus)] as const];
  exchange.reply({
    status: fault.abortStatus,
    body: "fault filter abort",
    flags: "FI",
    details: "fault_filter_abort",
    headers,
  });
  return "stop";
}
