import { z } from "zod";

/** Envoy's admin configuration dump, as far as the tables need it. What else is in it stays as it is for `-o json`. */
const address = z.looseObject({
  socketAddress: z.looseObject({ address: z.string().default(""), portValue: z.number().default(0) }).optional(),
});

const metadata = z.looseObject({ filterMetadata: z.record(z.string(), z.record(z.string(), z.unknown())).default({}) });

export const clusterSchema = z.looseObject({
  name: z.string(),
  type: z.string().default("STATIC"),
  metadata: metadata.optional(),
});

const routeSchema = z.looseObject({
  name: z.string().default(""),
  match: z
    .looseObject({
      prefix: z.string().optional(),
      path: z.string().optional(),
      pathSeparatedPrefix: z.string().optional(),
      safeRegex: z.looseObject({ regex: z.string() }).optional(),
      connectMatcher: z.looseObject({}).optional(),
      headers: z.array(z.looseObject({ name: z.string() })).default([]),
    })
    .default({ headers: [] }),
  metadata: metadata.optional(),
});

export const routeConfigurationSchema = z.looseObject({
  name: z.string().default(""),
  virtualHosts: z
    .array(
      z.looseObject({
        name: z.string().default(""),
        domains: z.array(z.string()).default([]),
        routes: z.array(routeSchema).default([]),
      }),
    )
    .default([]),
});

const filterSchema = z.looseObject({
  name: z.string(),
  typedConfig: z
    .looseObject({
      "@type": z.string().default(""),
      cluster: z.string().optional(),
      rds: z.looseObject({ routeConfigName: z.string() }).optional(),
      routeConfig: routeConfigurationSchema.optional(),
    })
    .optional(),
});

const filterChainSchema = z.looseObject({
  name: z.string().default(""),
  filterChainMatch: z
    .looseObject({
      destinationPort: z.number().optional(),
      prefixRanges: z.array(z.looseObject({ addressPrefix: z.string(), prefixLen: z.number().default(0) })).default([]),
      serverNames: z.array(z.string()).default([]),
      transportProtocol: z.string().optional(),
      applicationProtocols: z.array(z.string()).default([]),
    })
    .optional(),
  filters: z.array(filterSchema).default([]),
});

export const listenerSchema = z.looseObject({
  name: z.string().default(""),
  address: address.optional(),
  filterChains: z.array(filterChainSchema).default([]),
  defaultFilterChain: filterChainSchema.optional(),
});

export const endpointsSchema = z.looseObject({
  clusterName: z.string().default(""),
  endpoints: z
    .array(
      z.looseObject({
        lbEndpoints: z
          .array(
            z.looseObject({
              endpoint: z.looseObject({ address: address.optional() }).optional(),
              healthStatus: z.string().default("HEALTHY"),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

export type Listener = z.infer<typeof listenerSchema>;
export type FilterChain = z.infer<typeof filterChainSchema>;
export type RouteConfiguration = z.infer<typeof routeConfigurationSchema>;

/** `outbound|80|v1|cart.shop.svc.cluster.local` taken apart; undefined for clusters that are named otherwise. */
export function splitClusterName(
  name: string,
): { direction: string; port: string; subset: string; host: string } | undefined {
  const parts = name.split("|");
  if (parts.length !== 4) return undefined;
  const [direction = "", port = "", subset = "", host = ""] = parts;
  return { direction, port, subset, host };
}

/** The resources of one kind in a dump, static and dynamic, wherever this version of Envoy's format keeps them. */
export function resourcesOf(
  dump: unknown,
  key: "cluster" | "listener" | "routeConfig" | "endpointConfig" | "secret",
): readonly unknown[] {
  const found: unknown[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (value === null || typeof value !== "object" || depth > 6) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item, depth + 1);
      return;
    }
    for (const [name, child] of Object.entries(value)) {
      if (camel(name) === key && child !== null && typeof child === "object" && !Array.isArray(child))
        found.push(camelKeys(child));
      else if (name !== "bootstrap") visit(child, depth + 1);
    }
  };
  visit(dump, 0);
  return found;
}

const camel = (name: string): string =>
  name.startsWith("@") ? name : name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Envoy prints proto names (snake_case), proto3 JSON camelCase; both are read. Keys of metadata are data and stay. */
function camelKeys(value: unknown, isData = false): unknown {
  if (Array.isArray(value)) return value.map((item) => camelKeys(item, isData));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, child]) => {
    const key = isData ? name : camel(name);
    return [key, camelKeys(child, isData || key === "filterMetadata")] as const;
  });
  return Object.fromEntries(entries);
}
