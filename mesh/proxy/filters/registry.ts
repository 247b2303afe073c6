import type { Any } from "#gen/xds/google/protobuf/any.ts";
import type { RegexCache } from "../../lib/match/regex.ts";
import { corsFilter } from "./cors.ts";
import { extAuthzFilter } from "./ext-authz.ts";
import { faultFilter } from "./fault.ts";
import type { FilterFactory } from "./filter.ts";
import { jwtAuthnFilter } from "./jwt-authn.ts";
import { rbacFilter } from "./rbac.ts";

/** Every HTTP filter there is. The order of a request is that of the listener's configuration. */
const factories: readonly FilterFactory[] = [jwtAuthnFilter, rbacFilter, extAuthzFilter, faultFilter, corsFilter];

/** Ends every chain; forwarding is the exchange's own work. */
export const ROUTER = "envoy.filters.http.router";

export function filterFactory(name: string): FilterFactory | undefined {
  return factories.find((factory) => factory.name === name);
}

/** Compiles what a route says to a filter; undefined for filters that are not there. */
export function compileRouteFilter(name: string, config: Any, regexes: RegexCache): unknown {
  return filterFactory(name)?.compileRoute?.(config, regexes);
}
