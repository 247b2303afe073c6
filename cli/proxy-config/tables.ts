import { table } from "../table.ts";
import {
  clusterSchema,
  endpointsSchema,
  type FilterChain,
  type Listener,
  listenerSchema,
  type RouteConfiguration,
  resourcesOf,
  routeConfigurationSchema,
  splitClusterName,
} from "./dump.ts";

type RouteMatch = RouteConfiguration["virtualHosts"][number]["routes"][number]["match"];

/** The tables of `istioctl proxy-config`, made from an Envoy configuration dump. */
export function clustersTable(dump: unknown): string {
  const rows = resourcesOf(dump, "cluster").map((resource) => {
    const cluster = clusterSchema.parse(resource);
    const name = splitClusterName(cluster.name);
    const rule = lastPart(cluster.metadata?.filterMetadata.istio?.config);
    const type = cluster.type.toUpperCase();
    return name === undefined
      ? [cluster.name, "-", "-", "-", type, rule]
      : [name.host || cluster.name, name.port, name.subset || "-", name.direction, type, rule];
  });
  return table(["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"], rows.toSorted(byCells));
}

export function endpointsTable(dump: unknown, filter: { readonly cluster?: string } = {}): string {
  const rows = resourcesOf(dump, "endpointConfig").flatMap((resource) => {
    const { clusterName, endpoints } = endpointsSchema.parse(resource);
    return endpoints.flatMap(({ lbEndpoints }) =>
      lbEndpoints.map(({ endpoint, healthStatus }) => {
        const socket = endpoint?.address?.socketAddress;
        return [`${socket?.address ?? "?"}:${socket?.portValue ?? 0}`, healthStatus, "OK", clusterName];
      }),
    );
  });
  const chosen = filter.cluster === undefined ? rows : rows.filter((row) => row[3] === filter.cluster);
  return table(["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"], chosen.toSorted(byCells));
}

export function routesTable(dump: unknown, filter: { readonly name?: string } = {}): string {
  const configurations = resourcesOf(dump, "routeConfig").map((resource) => routeConfigurationSchema.parse(resource));
  const chosen =
    filter.name === undefined
      ? configurations
      : configurations.filter((configuration) => configuration.name === filter.name);
  return table(["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"], chosen.flatMap(routeRows));
}

function routeRows(configuration: RouteConfiguration): readonly (readonly string[])[] {
  return configuration.virtualHosts.flatMap((host) => {
    const [domain = "", ...others] = host.domains;
    const domains = others.length === 0 ? domain : `${domain}, +${others.length} more...`;
    return host.routes.map((route) => {
      const match = [uriText(route.match), ...route.match.headers.map((header) => `[${header.name}]`)].join(" ");
      return [
        configuration.name,
        host.name,
        domains,
        match,
        virtualService(route.metadata?.filterMetadata.istio?.config),
      ];
    });
  });
}

function uriText({ prefix, path, pathSeparatedPrefix, safeRegex, connectMatcher }: RouteMatch): string {
  if (prefix !== undefined) return `${prefix}*`;
  if (path !== undefined) return path;
  if (pathSeparatedPrefix !== undefined) return `PathPrefix:${pathSeparatedPrefix}`;
  return connectMatcher === undefined ? `regex ${safeRegex?.regex ?? ""}` : "CONNECT";
}

/** `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart` as `cart.shop`. */
function virtualService(config: unknown): string {
  const match = /namespaces\/([^/]+)\/virtual-service\/(.+)$/.exec(typeof config === "string" ? config : "");
  return match === null ? "" : `${match[2]}.${match[1]}`;
}

export function listenersTable(dump: unknown): string {
  const rows = resourcesOf(dump, "listener").flatMap((resource) => listenerRows(listenerSchema.parse(resource)));
  return table(["ADDRESSES", "PORT", "MATCH", "DESTINATION"], rows);
}

function listenerRows(listener: Listener): readonly (readonly string[])[] {
  const { address = "", portValue = 0 } = listener.address?.socketAddress ?? {};
  const chains = [
    ...listener.filterChains,
    ...(listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain]),
  ];
  return chains.map((chain) => [address, String(portValue), matchText(chain), destinationText(chain)]);
}

function matchText({ filterChainMatch: match }: FilterChain): string {
  if (match === undefined) return "ALL";
  const parts = [
    match.transportProtocol && `Trans: ${match.transportProtocol}`,
    match.applicationProtocols.length > 0 && `App: ${match.applicationProtocols.join(",")}`,
    match.serverNames.length > 0 && `SNI: ${match.serverNames.join(",")}`,
    (match.destinationPort !== undefined || match.prefixRanges.length > 0) &&
      `Addr: ${match.prefixRanges.map((range) => `${range.addressPrefix}/${range.prefixLen}`).join(",") || "*"}:${match.destinationPort ?? "*"}`,
  ].filter(Boolean);
  return parts.length === 0 ? "ALL" : parts.join("; ");
}

function destinationText(chain: FilterChain): string {
  const config = chain.filters.at(-1)?.typedConfig;
  if (config?.rds !== undefined) return `Route: ${config.rds.routeConfigName}`;
  if (config?.routeConfig !== undefined) return `Inline Route: ${config.routeConfig.name || "/*"}`;
  if (config?.cluster !== undefined) return `Cluster: ${config.cluster}`;
  return chain.filters.length === 0 ? "Non-HTTP/Non-TCP" : (chain.filters.at(-1)?.name ?? "");
}

const lastPart = (path: unknown): string => {
  const match = /namespaces\/([^/]+)\/destination-rule\/(.+)$/.exec(typeof path === "string" ? path : "");
  return match === null ? "" : `${match[2]}.${match[1]}`;
};

const byCells = (a: readonly string[], b: readonly string[]): number => a.join("\0").localeCompare(b.join("\0"));
