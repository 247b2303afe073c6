import type {
  RedirectAction as RedirectConfig,
  Route,
  RouteAction_HashPolicy,
  RouteAction as RouteConfig,
  VirtualHost,
  WeightedCluster,
} from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { hashText } from "../../lib/balance/balancer.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import { fractionOf } from "../../lib/match/fraction.ts";
import type { RegexCache } from "../../lib/match/regex.ts";
import { compileRetryPolicy } from "../../lib/retry/retry-policy.ts";
import type { Head } from "../http1/head.ts";
import { bytesOf } from "../tls/data-source.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";
import type {
  DirectAction,
  ForwardAction,
  Mirror,
  RedirectAction,
  RouteAction,
  Target,
  WeightedChoice,
} from "./compiled.ts";
import { compileHeaderEdits } from "./header-edits.ts";
import { queryValue } from "./route-match.ts";

export interface ActionContext {
  readonly slots: ClusterSlots;
  readonly regexes: RegexCache;
  readonly host: VirtualHost;
  /** The prefix or path that the match found, for rewrites. */
  readonly prefix: string | undefined;
}

const defaultTimeoutMs = 15_000;
const defaultBuffer = 1024 * 1024;
const redirectCodes: readonly number[] = [301, 302, 303, 307, 308];

/** Compiles what a route does. Throws when it does something that the proxy cannot. */
export function compileAction(route: Route, context: ActionContext): RouteAction {
  const { action } = route;
  switch (action?.$case) {
    case "route":
      return compileForward(action.value, route, context);
    case "redirect":
      return compileRedirect(action.value, context);
    case "directResponse": {
      const direct: DirectAction = {
        kind: "direct",
        status: action.value.status,
        body: action.value.body === undefined ? "" : bytesOf(action.value.body).toString("utf8"),
      };
      return direct;
    }
    default:
      throw new Error(`route "${route.name}" has no action that is supported (${action?.$case ?? "none"})`);
  }
}

function compileForward(config: RouteConfig, route: Route, context: ActionContext): ForwardAction {
  const policy = config.retryPolicy ?? context.host.retryPolicy;
  const limit = route.perRequestBufferLimitBytes ?? context.host.perRequestBufferLimitBytes ?? defaultBuffer;
  return {
    kind: "forward",
    target: compileTarget(config, context),
    timeoutMs: milliseconds(config.timeout) ?? defaultTimeoutMs,
    idleTimeoutMs: milliseconds(config.idleTimeout),
    retry: policy === undefined || policy.retryOn === "" ? undefined : compileRetryPolicy(policy, context.regexes),
    rewritePath: pathRewrite(config, context),
    rewriteHost: hostRewrite(config, context.regexes),
    autoHostRewrite:
      config.hostRewriteSpecifier?.$case === "autoHostRewrite" && config.hostRewriteSpecifier.value === true,
    mirrors: compileMirrors(config, context),
    hash: compileHash(config.hashPolicy, context.regexes),
    upgrades: new Map(config.upgradeConfigs.map((one) => [one.upgradeType.toLowerCase(), one.enabled ?? true])),
    notFoundStatus:
      config.clusterNotFoundResponseCode === 1 ? 404 : config.clusterNotFoundResponseCode === 2 ? 500 : 503,
    bufferLimit: limit,
  };
}

function compileTarget(config: RouteConfig, context: ActionContext): Target {
  const specifier = config.clusterSpecifier;
  switch (specifier?.$case) {
    case "cluster": {
      const slot = context.slots.get(specifier.value);
      return {
        kind: "one",
        choice: { slot, requestEdits: undefined, responseEdits: undefined, hostRewrite: undefined },
      };
    }
    case "weightedClusters":
      return compileWeighted(specifier.value, context);
    case "clusterHeader":
      return { kind: "header", name: specifier.value.toLowerCase(), slots: context.slots };
    default:
      throw new Error(`a route chooses its cluster in a way that is not supported (${specifier?.$case ?? "none"})`);
  }
}

function compileWeighted(config: WeightedCluster, context: ActionContext): Target {
  let total = 0;
  const choices = config.clusters.map((cluster): WeightedChoice => {
    total += cluster.weight ?? 0;
    return {
      slot: context.slots.get(cluster.name),
      upTo: total,
      requestEdits: compileHeaderEdits(cluster.requestHeadersToAdd, cluster.requestHeadersToRemove),
      responseEdits: compileHeaderEdits(cluster.responseHeadersToAdd, cluster.responseHeadersToRemove),
      hostRewrite: cluster.hostRewriteSpecifier?.value,
    };
  });
  if (total === 0) throw new Error("the weights of a route's clusters add up to nothing");
  return { kind: "weighted", choices, total };
}

function compileMirrors(config: RouteConfig, context: ActionContext): readonly Mirror[] {
  const policies =
    config.requestMirrorPolicies.length > 0 ? config.requestMirrorPolicies : context.host.requestMirrorPolicies;
  return policies.map((policy) => ({
    slot: context.slots.get(policy.cluster),
    fraction: policy.runtimeFraction === undefined ? 1 : fractionOf(policy.runtimeFraction.defaultValue),
    hostSuffix: policy.disableShadowHostSuffixAppend ? "" : "-shadow",
  }));
}

/** Rewrites touch the path only; the query stays. */
function pathRewrite(config: RouteConfig, context: ActionContext): ForwardAction["rewritePath"] {
  if (config.regexRewrite?.pattern !== undefined) {
    const rewrite = context.regexes.rewrite(config.regexRewrite.pattern.regex, config.regexRewrite.substitution);
    return (target) => onPath(target, rewrite);
  }
  if (config.prefixRewrite === "") return undefined;
  const { prefix = "" } = context;
  return (target) => onPath(target, (path) => config.prefixRewrite + path.slice(prefix.length));
}

export function onPath(target: string, rewrite: (path: string) => string): string {
  const query = target.indexOf("?");
  return query < 0 ? rewrite(target) : rewrite(target.slice(0, query)) + target.slice(query);
}

function hostRewrite(config: RouteConfig, regexes: RegexCache): ForwardAction["rewriteHost"] {
  const specifier = config.hostRewriteSpecifier;
  switch (specifier?.$case) {
    case "hostRewriteLiteral": {
      const host = specifier.value.replace(/[\r\n\0]/g, "");
      return () => host;
    }
    case "hostRewriteHeader": {
      const name = specifier.value.toLowerCase();
      return (head) => head.get(name);
    }
    case "hostRewritePathRegex": {
      const rewrite = regexes.rewrite(specifier.value.pattern?.regex ?? "", specifier.value.substitution);
      return (head) => rewrite(head.path.split("?", 1)[0] ?? "");
    }
    default:
      return undefined;
  }
}

function compileHash(policies: readonly RouteAction_HashPolicy[], regexes: RegexCache): ForwardAction["hash"] {
  if (policies.length === 0) return undefined;
  const parts = policies.map((policy) => ({ value: hashValue(policy, regexes), terminal: policy.terminal }));
  return (head, remoteAddress) => {
    let hash: number | undefined;
    for (const part of parts) {
      const text = part.value(head, remoteAddress);
      if (text === undefined) continue;
      const own = hashText(text);
      hash = hash === undefined ? own : (((hash << 1) | (hash >>> 31)) ^ own) >>> 0;
      if (part.terminal) break;
    }
    return hash;
  };
}

function hashValue(
  policy: RouteAction_HashPolicy,
  regexes: RegexCache,
): (head: Head, remote: string) => string | undefined {
  const specifier = policy.policySpecifier;
  switch (specifier?.$case) {
    case "header": {
      const name = specifier.value.headerName.toLowerCase();
      const { regexRewrite: rewrite } = specifier.value;
      const edit =
        rewrite?.pattern === undefined ? undefined : regexes.rewrite(rewrite.pattern.regex, rewrite.substitution);
      return (head) => {
        const value = head.get(name);
        return value === undefined || edit === undefined ? value : edit(value);
      };
    }
    case "cookie":
      return (head) => cookieOf(head.get("cookie"), specifier.value.name);
    case "connectionProperties":
      return (_head, remote) => (specifier.value.sourceIp ? remote : undefined);
    case "queryParameter":
      return (head) => {
        const query = head.path.indexOf("?");
        return query < 0 ? undefined : queryValue(head.path.slice(query + 1), specifier.value.name);
      };
    default:
      throw new Error(`hashing by ${specifier?.$case ?? "nothing"} is not supported`);
  }
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? "").split(/[;,]/)) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

function compileRedirect(config: RedirectConfig, context: ActionContext): RedirectAction {
  const scheme = config.schemeRewriteSpecifier;
  const path = redirectPath(config, context);
  return {
    kind: "redirect",
    status: redirectCodes[config.responseCode] ?? 301,
    location: (head, own) => {
      const target =
        scheme === undefined ? own : scheme.$case === "schemeRedirect" ? scheme.value : scheme.value ? "https" : own;
      const host = config.hostRedirect === "" ? redirectHost(head.authority, target !== own) : config.hostRedirect;
      const port = config.portRedirect === 0 ? "" : `:${config.portRedirect}`;
      const name = port === "" ? host : host.replace(/:\d+$/, "");
      return `${target}://${name}${port}${path(head.path)}`;
    },
  };
}

/** A default port belongs to its scheme and goes with it. */
function redirectHost(authority: string, schemeChanges: boolean): string {
  return schemeChanges ? authority.replace(/:(?:80|443)$/, "") : authority;
}

function redirectPath(config: RedirectConfig, context: ActionContext): (target: string) => string {
  const specifier = config.pathRewriteSpecifier;
  const strip = (target: string): string => (config.stripQuery ? (target.split("?", 1)[0] ?? "") : target);
  switch (specifier?.$case) {
    case "pathRedirect":
      return (target) => {
        const query = target.indexOf("?");
        return specifier.value.includes("?") || query < 0 || config.stripQuery
          ? specifier.value
          : specifier.value + target.slice(query);
      };
    case "prefixRewrite":
      return (target) => strip(onPath(target, (path) => specifier.value + path.slice((context.prefix ?? "").length)));
    case "regexRewrite": {
      const rewrite = context.regexes.rewrite(specifier.value.pattern?.regex ?? "", specifier.value.substitution);
      return (target) => strip(onPath(target, rewrite));
    }
    default:
      return strip;
  }
}
