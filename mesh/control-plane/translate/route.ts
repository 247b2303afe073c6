import { DataSource } from "#gen/xds/envoy/config/core/v3/base.ts";
import { Route } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { HttpMatch, HttpRoute } from "../model/virtual-service.ts";
import { configPath } from "./names.ts";
import { hasLabels } from "./peer-authentication.ts";
import { buildRedirect, buildRouteAction, type Destinations } from "./route-action.ts";
import { perRouteFilters } from "./route-filters.ts";
import { headerFields } from "./route-headers.ts";
import { buildMatch, isCatchAll } from "./route-match.ts";
import type { VirtualService } from "./scope.ts";

/** Who asks for routes and where: decides which matches can apply at all. */
export interface RouteClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Port that clients dial. */
  readonly port: number;
  /** "mesh" for sidecars, else the gateways ("namespace/name") that the routes are for. */
  readonly gateways: readonly string[];
}

export interface RoutesOptions {
  readonly virtualService: VirtualService;
  readonly client: RouteClient;
  readonly destinations: Destinations;
  /** Full name of the host and its port; names the operation in traces. */
  readonly operation: string;
}

/** The routes of a VirtualService in its order; what stands behind one that always matches is left out. */
export function buildRoutes(options: RoutesOptions): Route[] {
  const routes: Route[] = [];
  for (const http of options.virtualService.spec.http ?? []) {
    const matches = http.match === undefined || http.match.length === 0 ? [undefined] : http.match;
    for (const match of matches) {
      if (match !== undefined && !canApply(match, options)) continue;
      const route = buildRoute(http, match, options);
      if (route === undefined) continue;
      routes.push(route);
      if (isCatchAll(match)) return routes;
    }
  }
  return routes;
}

function canApply(match: HttpMatch, { client, virtualService }: RoutesOptions): boolean {
  if (match.port !== undefined && match.port !== client.port) return false;
  if (match.gateways !== undefined && match.gateways.length > 0) {
    const own = virtualService.origin.namespace;
    const named = match.gateways.map((name) => (name === "mesh" || name.includes("/") ? name : `${own}/${name}`));
    if (!named.some((name) => client.gateways.includes(name))) return false;
  }
  // Where a request comes from is only known in the sidecar of its sender.
  if (!client.gateways.includes("mesh")) return true;
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== client.namespace) return false;
  return hasLabels(client.labels, match.sourceLabels ?? {});
}

function buildRoute(http: HttpRoute, match: HttpMatch | undefined, options: RoutesOptions): Route | undefined {
  const action = buildAction(http, match, options);
  if (action === undefined) return undefined;
  const single = http.route?.length === 1 ? http.route[0]?.headers : undefined;
  const own = headerFields(http.headers);
  const atDestination = headerFields(single);
  return {
    ...Route.fromPartial({}),
    name: [http.name, match?.name].filter((part) => part !== undefined && part !== "").join("."),
    match: buildMatch(match),
    action,
    metadata: {
      filterMetadata: { istio: { config: configPath(options.virtualService.origin) } },
      typedFilterMetadata: {},
    },
    decorator: { operation: `${options.operation}/*`, propagate: undefined },
    typedPerFilterConfig: perRouteFilters(http),
    requestHeadersToAdd: [...own.requestHeadersToAdd, ...atDestination.requestHeadersToAdd],
    requestHeadersToRemove: [...own.requestHeadersToRemove, ...atDestination.requestHeadersToRemove],
    responseHeadersToAdd: [...own.responseHeadersToAdd, ...atDestination.responseHeadersToAdd],
    responseHeadersToRemove: [...own.responseHeadersToRemove, ...atDestination.responseHeadersToRemove],
    statPrefix: match?.statPrefix ?? "",
  };
}

function buildAction(http: HttpRoute, match: HttpMatch | undefined, options: RoutesOptions): Route["action"] {
  if (http.redirect !== undefined) return { $case: "redirect", value: buildRedirect(http.redirect) };
  if (http.directResponse !== undefined) {
    return {
      $case: "directResponse",
      value: { status: http.directResponse.status, body: bodyOf(http.directResponse) },
    };
  }
  if ((http.route ?? []).length === 0) return undefined;
  const action = buildRouteAction({ route: http, pathRegex: match?.uri?.regex, destinations: options.destinations });
  return { $case: "route", value: action };
}

function bodyOf({ body }: NonNullable<HttpRoute["directResponse"]>): DataSource | undefined {
  if (body?.string !== undefined)
    return DataSource.fromPartial({ specifier: { $case: "inlineString", value: body.string } });
  if (body?.bytes === undefined) return undefined;
  return DataSource.fromPartial({ specifier: { $case: "inlineBytes", value: Buffer.from(body.bytes, "base64") } });
}
