import { CorsPolicy } from "#gen/xds/envoy/extensions/filters/http/cors/v3/cors.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { fractionOf } from "../../lib/match/fraction.ts";
import type { RegexCache } from "../../lib/match/regex.ts";
import { compileStringMatcher, type StringTest } from "../../lib/match/string-match.ts";
import type { Head } from "../http1/head.ts";
import type { FilterExchange, FilterFactory, HttpFilter } from "./filter.ts";

const NAME = "envoy.filters.http.cors";

interface CompiledCors {
  readonly enabled: boolean;
  readonly origins: readonly StringTest[];
  readonly methods: string;
  readonly headers: string;
  readonly expose: string;
  readonly maxAge: string;
  readonly credentials: boolean;
  readonly forwardUnmatched: boolean;
}

const line = (text: string): string => text.replace(/[\r\n\0]/g, "");

function compileCors(config: Any, regexes: RegexCache): CompiledCors {
  const policy = CorsPolicy.decode(config.value);
  return {
    enabled: policy.filterEnabled === undefined || fractionOf(policy.filterEnabled.defaultValue) > 0,
    origins: policy.allowOriginStringMatch.map((matcher) => compileStringMatcher(matcher, regexes)),
    methods: line(policy.allowMethods),
    headers: line(policy.allowHeaders),
    expose: line(policy.exposeHeaders),
    maxAge: line(policy.maxAge),
    credentials: policy.allowCredentials ?? false,
    forwardUnmatched: policy.forwardNotMatchingPreflights ?? true,
  };
}

/** Answers preflight requests and marks responses for allowed origins (Fetch standard, CORS protocol). */
export const corsFilter: FilterFactory = {
  name: NAME,
  compileRoute: compileCors,
  create: (): HttpFilter => ({
    name: NAME,
    onRequest: (exchange) => {
      const cors = policyOf(exchange);
      if (cors === undefined || exchange.head.method !== "OPTIONS") return "continue";
      const origin = exchange.head.get("origin");
      if (origin === undefined || !exchange.head.has("access-control-request-method")) return "continue";
      const allowed = cors.origins.some((test) => test(origin));
      if (!allowed && cors.forwardUnmatched) return "continue";
      const headers = allowed ? preflight(cors, origin) : [];
      exchange.reply({ status: 200, body: "", flags: "", details: "cors_response", headers });
      return "stop";
    },
    onResponse: (exchange, head) => {
      const cors = policyOf(exchange);
      if (cors !== undefined) mark(exchange, cors, head);
    },
  }),
};

function policyOf(exchange: FilterExchange): CompiledCors | undefined {
  const cors = exchange.route.filters.get(NAME) as CompiledCors | undefined;
  return cors?.enabled === true ? cors : undefined;
}

function preflight(cors: CompiledCors, origin: string): readonly (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [["access-control-allow-origin", origin]];
  if (cors.credentials) headers.push(["access-control-allow-credentials", "true"]);
  if (cors.methods !== "") headers.push(["access-control-allow-methods", cors.methods]);
  if (cors.headers !== "") headers.push(["access-control-allow-headers", cors.headers]);
  if (cors.maxAge !== "") headers.push(["access-control-max-age", cors.maxAge]);
  return headers;
}

function mark(exchange: FilterExchange, cors: CompiledCors, head: Head): void {
  const origin = exchange.head.get("origin");
  if (origin === undefined || !cors.origins.some((test) => test(origin))) return;
  head.set("access-control-allow-origin", origin);
  if (cors.credentials) head.set("access-control-allow-credentials", "true");
  if (cors.expose !== "") head.set("access-control-expose-headers", cors.expose);
}
