import {
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
  RedirectAction as RedirectActionCodec,
  RouteAction,
  type RouteAction_HashPolicy,
  type RouteAction_RequestMirrorPolicy,
  WeightedCluster_ClusterWeight,
} from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { ConsistentHash } from "../model/destination-rule.ts";
import { parseDuration, seconds } from "../model/duration.ts";
import type { Destination, HttpRoute, RouteDestination } from "../model/virtual-service.ts";
import { buildRetryPolicy } from "./retry.ts";
import { fraction } from "./route-filters.ts";
import { authorityOf, headerFields } from "./route-headers.ts";

/** How destinations become clusters and hash policies; depends on the services and rules that the client sees. */
export interface Destinations {
  cluster(destination: Destination): string;
  hashing(destination: Destination): ConsistentHash | undefined;
}

export interface ActionOptions {
  readonly route: HttpRoute;
  /** Regular expression of the route's path match: a rewritten URI then replaces what it matched. */
  readonly pathRegex: string | undefined;
  readonly destinations: Destinations;
}

/** Forwarding: where to, with which time limits, retries and copies. */
export function buildRouteAction(options: ActionOptions): RouteAction {
  const { route, destinations } = options;
  const targets = route.route ?? [];
  const timeout = route.timeout === undefined ? seconds(0) : parseDuration(route.timeout);
  return {
    ...RouteAction.fromPartial({}),
    clusterSpecifier: clusterSpecifier(targets, destinations),
    ...rewrites(options),
    timeout,
    maxGrpcTimeout: timeout,
    retryPolicy: buildRetryPolicy(route.retries),
    requestMirrorPolicies: mirrors(route, destinations),
    hashPolicy: hashPolicies(targets, destinations),
  };
}

function clusterSpecifier(
  targets: readonly RouteDestination[],
  destinations: Destinations,
): RouteAction["clusterSpecifier"] {
  const [first] = targets;
  if (first !== undefined && targets.length === 1)
    return { $case: "cluster", value: destinations.cluster(first.destination) };
  const clusters = targets
    .filter((target) => (target.weight ?? 0) > 0)
    .map((target): WeightedCluster_ClusterWeight => {
      const authority = authorityOf(target.headers);
      return {
        ...WeightedCluster_ClusterWeight.fromPartial({}),
        name: destinations.cluster(target.destination),
        weight: target.weight,
        ...headerFields(target.headers),
        hostRewriteSpecifier: authority === undefined ? undefined : { $case: "hostRewriteLiteral", value: authority },
      };
    });
  return {
    $case: "weightedClusters",
    value: { clusters, totalWeight: undefined, runtimeKeyPrefix: "", randomValueSpecifier: undefined },
  };
}

function rewrites({ route, pathRegex }: ActionOptions): Partial<RouteAction> {
  const { rewrite } = route;
  const single = route.route?.length === 1 ? route.route[0]?.headers : undefined;
  const authority = rewrite?.authority ?? authorityOf(route.headers) ?? authorityOf(single);
  const host =
    authority === undefined ? {} : { hostRewriteSpecifier: { $case: "hostRewriteLiteral" as const, value: authority } };
  const regex = rewrite?.uriRegexRewrite;
  if (regex !== undefined) return { ...host, regexRewrite: regexRewrite(regex.match ?? "", regex.rewrite ?? "") };
  if (rewrite?.uri === undefined) return host;
  if (pathRegex !== undefined) return { ...host, regexRewrite: regexRewrite(pathRegex, rewrite.uri) };
  return { ...host, prefixRewrite: rewrite.uri };
}

const regexRewrite = (regex: string, substitution: string) => ({
  pattern: { engineType: undefined, regex },
  substitution,
});

function mirrors(route: HttpRoute, destinations: Destinations): RouteAction_RequestMirrorPolicy[] {
  const single = route.mirror === undefined ? [] : [{ destination: route.mirror, percentage: route.mirrorPercentage }];
  return [...(route.mirrors ?? []), ...single]
    .filter(({ percentage }) => percentage?.value !== 0)
    .map(({ destination, percentage }) => ({
      cluster: destinations.cluster(destination),
      clusterHeader: "",
      runtimeFraction: { defaultValue: fraction(percentage?.value), runtimeKey: "" },
      traceSampled: undefined,
      disableShadowHostSuffixAppend: false,
      requestHeadersMutations: [],
      hostRewriteLiteral: "",
    }));
}

function hashPolicies(targets: readonly RouteDestination[], destinations: Destinations): RouteAction_HashPolicy[] {
  return targets.flatMap(({ destination }) => {
    const specifier = hashSpecifier(destinations.hashing(destination));
    return specifier === undefined ? [] : [{ policySpecifier: specifier, terminal: false }];
  });
}

function hashSpecifier(hash: ConsistentHash | undefined): RouteAction_HashPolicy["policySpecifier"] {
  if (hash?.httpHeaderName !== undefined) {
    return { $case: "header", value: { headerName: hash.httpHeaderName, regexRewrite: undefined } };
  }
  if (hash?.httpCookie !== undefined) {
    const { name, path, ttl } = hash.httpCookie;
    const value = { name, path: path ?? "", ttl: ttl === undefined ? undefined : parseDuration(ttl), attributes: [] };
    return { $case: "cookie", value };
  }
  if (hash?.useSourceIp === true) return { $case: "connectionProperties", value: { sourceIp: true } };
  if (hash?.httpQueryParameterName !== undefined) {
    return { $case: "queryParameter", value: { name: hash.httpQueryParameterName } };
  }
  return undefined;
}

const redirectCodes: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

/** An answer that sends the client elsewhere. `%PREFIX()%` in the URI keeps the rest of the path. */
export function buildRedirect(redirect: NonNullable<HttpRoute["redirect"]>): RedirectAction {
  const prefix = redirect.uri?.startsWith("%PREFIX()%") === true ? redirect.uri.slice("%PREFIX()%".length) : undefined;
  return {
    ...RedirectActionCodec.fromPartial({}),
    hostRedirect: redirect.authority ?? "",
    portRedirect: redirect.port ?? 0,
    schemeRewriteSpecifier:
      redirect.scheme === undefined ? undefined : { $case: "schemeRedirect", value: redirect.scheme },
    pathRewriteSpecifier:
      prefix !== undefined
        ? { $case: "prefixRewrite", value: prefix }
        : redirect.uri === undefined
          ? undefined
          : { $case: "pathRedirect", value: redirect.uri },
    responseCode: redirectCodes[redirect.redirectCode ?? 301] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  };
}
