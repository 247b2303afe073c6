import { BinaryReader } from "@bufbuild/protobuf/wire";
import type {
  HttpConnectionManager,
  HttpFilter as HttpFilterConfig,
} from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { UInt32Value } from "#gen/xds/google/protobuf/wrappers.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import type { HttpFilter } from "../filters/filter.ts";
import type { Direction, HttpEnvironment, HttpManager, RouteSlot } from "../filters/manager.ts";
import { filterFactory, ROUTER } from "../filters/registry.ts";
import { compileRoutes, type RouteCompiler } from "../route/compile-routes.ts";

export interface HttpCompiler {
  readonly direction: Direction;
  readonly environment: HttpEnvironment;
  readonly routes: RouteCompiler;
  readonly routeSlot: (name: string) => RouteSlot;
}

/** Istio's own filters: what they do is part of this data plane. */
const builtIn = /^istio\.|metadata_exchange|peer_metadata|grpc_stats|envoy\.filters\.http\.router/;
/** Bodies are streamed, not buffered: only its limit counts. */
const BUFFER = "envoy.filters.http.buffer";
/** Envoy has no limit when none is set; a client must not be able to hold a connection with half a head for ever. */
const safeHeadTimeoutMs = 60_000;

/** Compiles a connection manager with Envoy's defaults. Throws for filters that are missing and not optional. */
export function compileHttpManager(config: HttpConnectionManager, compiler: HttpCompiler): HttpManager {
  return {
    environment: compiler.environment,
    direction: compiler.direction,
    routes: routesOf(config, compiler),
    filters: config.httpFilters.flatMap((filter) => compileFilter(filter, compiler)),
    limits: {
      maxHeadBytes: (config.maxRequestHeadersKb ?? 60) * 1024,
      headTimeoutMs: milliseconds(config.requestHeadersTimeout) || safeHeadTimeoutMs,
      idleTimeoutMs: milliseconds(config.commonHttpProtocolOptions?.idleTimeout) || 3_600_000,
      acceptHttp10: config.httpProtocolOptions?.acceptHttp10 ?? false,
    },
    path: {
      normalize: config.normalizePath ?? false,
      mergeSlashes: config.mergeSlashes,
      escapedSlashes:
        config.pathWithEscapedSlashesAction === 2
          ? "reject"
          : config.pathWithEscapedSlashesAction > 2
            ? "unescape"
            : "keep",
    },
    stripPort: config.stripPortMode?.value === true ? "any" : config.stripMatchingHostPort ? "matching" : "no",
    serverName: (config.serverName || "envoy").replace(/[\r\n\0]/g, ""),
    serverHeader: serverHeaders[config.serverHeaderTransformation] ?? "overwrite",
    useRemoteAddress: config.useRemoteAddress ?? false,
    trustedHops: config.xffNumTrustedHops,
    skipForwardedFor: config.skipXffAppend,
    generateRequestId: config.generateRequestId ?? true,
    preserveRequestId: config.preserveExternalRequestId,
    clientCertificate: certificateModes[config.forwardClientCertDetails] ?? "sanitize",
    certificateFields: {
      subject: config.setCurrentClientCertDetails?.subject ?? false,
      dns: config.setCurrentClientCertDetails?.dns ?? false,
      uri: config.setCurrentClientCertDetails?.uri ?? false,
    },
    upgrades: new Set(
      config.upgradeConfigs.filter((one) => one.enabled !== false).map((one) => one.upgradeType.toLowerCase()),
    ),
    forwardContinue: config.proxy100Continue,
    streamIdleMs: milliseconds(config.streamIdleTimeout) ?? 300_000,
    requestTimeoutMs: milliseconds(config.requestTimeout) ?? 0,
    maxRequestBytes: bodyLimit(config.httpFilters),
  };
}

const serverHeaders: readonly HttpManager["serverHeader"][] = ["overwrite", "append_if_absent", "pass_through"];
const certificateModes: readonly HttpManager["clientCertificate"][] = [
  "sanitize",
  "forward_only",
  "append_forward",
  "sanitize_set",
  "always_forward_only",
];

function routesOf(config: HttpConnectionManager, compiler: HttpCompiler): RouteSlot {
  switch (config.routeSpecifier?.$case) {
    case "rds":
      return compiler.routeSlot(config.routeSpecifier.value.routeConfigName);
    case "routeConfig": {
      const routes = config.routeSpecifier.value;
      return { name: routes.name, current: compileRoutes(routes, compiler.routes) };
    }
    default:
      throw new Error("scoped routes are not supported");
  }
}

/** max_request_bytes of Envoy's buffer filter (a message with one wrapped number in field 1); 0 for none. */
function bodyLimit(filters: readonly HttpFilterConfig[]): number {
  const config = filters.find((filter) => filter.name === BUFFER && !filter.disabled)?.configType;
  if (config?.$case !== "typedConfig") return 0;
  const reader = new BinaryReader(config.value.value);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) return UInt32Value.decode(reader.bytes()).value;
    reader.skip(type);
  }
  return 0;
}

function compileFilter(filter: HttpFilterConfig, { environment, routes }: HttpCompiler): readonly HttpFilter[] {
  if (filter.disabled || filter.name === ROUTER || filter.name === BUFFER || builtIn.test(filter.name)) return [];
  const factory = filterFactory(filter.name);
  if (factory === undefined) {
    if (filter.isOptional) return [];
    throw new Error(`HTTP filter ${filter.name} is not supported`);
  }
  const config = filter.configType?.$case === "typedConfig" ? filter.configType.value : undefined;
  const made = factory.create(config, { random: environment.random, sink: environment.sink, slots: routes.slots });
  return made === undefined ? [] : [made];
}
