import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import {
  type Route,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
} from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { DomainMatcher, withoutPort } from "../../lib/match/domain-match.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { Head } from "../http1/head.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";
import { compileAction } from "./compile-action.ts";
import type { CompiledRoute, CompiledRoutes } from "./compiled.ts";
import { compileHeaderEdits, type HeaderEdits, joinEdits } from "./header-edits.ts";
import { compileMatch, type MatchInput } from "./route-match.ts";

export interface RouteCompiler {
  readonly slots: ClusterSlots;
  readonly random: () => number;
  /** Compiles a filter's per-route configuration; undefined for filters that the proxy does not have. */
  readonly filterConfig: (name: string, config: Any, regexes: RegexCache) => unknown;
}

interface Levels {
  readonly request: HeaderEdits | undefined;
  readonly response: HeaderEdits | undefined;
  readonly specificLast: boolean;
}

/** Compiles a route configuration once per push. Throws an error that says which virtual host and route cannot be used. */
export function compileRoutes(config: RouteConfiguration, compiler: RouteCompiler): CompiledRoutes {
  const regexes = new RegexCache();
  const domains = new DomainMatcher<RouteList>();
  const levels: Levels = {
    request: compileHeaderEdits(config.requestHeadersToAdd, config.requestHeadersToRemove),
    response: compileHeaderEdits(config.responseHeadersToAdd, config.responseHeadersToRemove),
    specificLast: config.mostSpecificHeaderMutationsWins,
  };
  for (const host of config.virtualHosts) {
    const list = compileHost(host, { ...compiler, regexes, levels, shared: config.typedPerFilterConfig });
    for (const domain of host.domains) domains.add(domain, list);
  }
  const ignorePort = config.ignorePortInHostMatching;
  // Requests of one connection, and mostly of all, ask for the same few authorities.
  let lastAuthority = "";
  let lastList: RouteList | undefined;
  return {
    name: config.name,
    find: (head, findings) => {
      if (lastList === undefined || head.authority !== lastAuthority) {
        const list = domains.find(ignorePort ? withoutPort(head.authority) : head.authority);
        if (list === undefined) return undefined;
        lastAuthority = head.authority;
        lastList = list;
      }
      return lastList.find(head, findings ?? noFindings);
    },
  };
}

const noFindings: ReadonlyMap<string, unknown> = new Map();

interface HostContext extends RouteCompiler {
  readonly regexes: RegexCache;
  readonly levels: Levels;
  readonly shared: Readonly<Record<string, Any>>;
}

function compileHost(host: VirtualHost, context: HostContext): RouteList {
  const routes = host.routes.map((route) => {
    try {
      return compileRoute(route, host, context);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`virtual host "${host.name}", route "${route.name}": ${reason}`, { cause });
    }
  });
  return new RouteList(routes, tlsTests[host.requireTls] ?? never);
}

const never = (): boolean => false;
const isPlain = (head: Head): boolean => head.get("x-forwarded-proto") !== "https";

/** Which requests have to come again over TLS. Source: VirtualHost.TlsRequirementType. */
const tlsTests: Readonly<Record<number, (head: Head) => boolean>> = {
  [VirtualHost_TlsRequirementType.ALL]: isPlain,
  [VirtualHost_TlsRequirementType.EXTERNAL_ONLY]: (head) => isPlain(head) && !head.has("x-envoy-internal"),
};

const toTls: CompiledRoute = {
  name: "",
  configSource: "",
  match: { exactPath: undefined, prefix: undefined, test: undefined },
  action: { kind: "redirect", status: 301, location: (head) => `https://${head.authority}${head.path}` },
  requestEdits: undefined,
  responseEdits: undefined,
  attemptCount: false,
  attemptCountInResponse: false,
  filters: new Map(),
};

function compileRoute(route: Route, host: VirtualHost, context: HostContext): CompiledRoute {
  const match = compileMatch(route.match ?? missingMatch(), context.regexes, context.random);
  const { levels, regexes, slots } = context;
  const request = [
    compileHeaderEdits(route.requestHeadersToAdd, route.requestHeadersToRemove),
    compileHeaderEdits(host.requestHeadersToAdd, host.requestHeadersToRemove),
    levels.request,
  ];
  const response = [
    compileHeaderEdits(route.responseHeadersToAdd, route.responseHeadersToRemove),
    compileHeaderEdits(host.responseHeadersToAdd, host.responseHeadersToRemove),
    levels.response,
  ];
  return {
    name: route.name,
    configSource: configSourceOf(route),
    match,
    action: compileAction(route, { slots, regexes, host, prefix: match.prefix }),
    requestEdits: joinEdits(levels.specificLast ? request.toReversed() : request),
    responseEdits: joinEdits(levels.specificLast ? response.toReversed() : response),
    attemptCount: host.includeRequestAttemptCount,
    attemptCountInResponse: host.includeAttemptCountInResponse,
    filters: compileFilters([context.shared, host.typedPerFilterConfig, route.typedPerFilterConfig], context),
  };
}

function missingMatch(): never {
  throw new Error("it has no match");
}

function configSourceOf(route: Route): string {
  const config: unknown = route.metadata?.filterMetadata.istio?.config;
  return typeof config === "string" ? config : "";
}

/** The most specific level wins. */
function compileFilters(
  levels: readonly Readonly<Record<string, Any>>[],
  context: HostContext,
): ReadonlyMap<string, unknown> {
  const merged = Object.assign({}, ...levels) as Record<string, Any>;
  const compiled = new Map<string, unknown>();
  for (const [name, config] of Object.entries(merged)) {
    const value = context.filterConfig(name, config, context.regexes);
    if (value !== undefined) compiled.set(name, value);
  }
  return compiled;
}

/**
 * The routes of a virtual host in their order: the first that matches wins. Exact paths stand in a map, so that a long list of
 * them costs one look-up; the others are tried only as far as the map's find.
 */
class RouteList {
  readonly #routes: readonly CompiledRoute[];
  readonly #exact = new Map<string, number[]>();
  readonly #others: number[] = [];
  /** The only route, where it takes every request. */
  readonly #only: CompiledRoute | undefined;
  readonly #input: MatchInput;
  readonly #needsTls: (head: Head) => boolean;

  constructor(routes: readonly CompiledRoute[], needsTls: (head: Head) => boolean) {
    this.#routes = routes;
    this.#needsTls = needsTls;
    const [first] = routes;
    this.#only = first !== undefined && first.match.test === undefined ? first : undefined;
    this.#input = { path: "", query: "", headers: { get: () => undefined }, findings: noFindings };
    for (const [index, route] of routes.entries()) {
      const path = route.match.exactPath;
      if (path === undefined) this.#others.push(index);
      else this.#exact.set(path, [...(this.#exact.get(path) ?? []), index]);
    }
  }

  find(head: Head, findings: ReadonlyMap<string, unknown>): CompiledRoute | undefined {
    if (this.#needsTls(head)) return toTls;
    if (this.#only !== undefined) return this.#only;
    const input = this.#input;
    const query = head.path.indexOf("?");
    input.path = query < 0 ? head.path : head.path.slice(0, query);
    input.query = query < 0 ? "" : head.path.slice(query + 1);
    input.headers = head;
    input.findings = findings;
    let best = this.#routes.length;
    if (this.#exact.size > 0) {
      for (const index of this.#exact.get(input.path) ?? []) {
        if (this.#matches(index)) {
          best = index;
          break;
        }
      }
    }
    for (const index of this.#others) {
      if (index >= best) break;
      if (this.#matches(index)) return this.#routes[index];
    }
    return this.#routes[best];
  }

  #matches(index: number): boolean {
    const test = this.#routes[index]?.match.test;
    return test === undefined || test(this.#input);
  }
}
