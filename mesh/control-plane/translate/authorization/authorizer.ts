import { ApiVersion } from "#gen/xds/envoy/config/core/v3/config_source.ts";
import { GrpcService } from "#gen/xds/envoy/config/core/v3/grpc_service.ts";
import {
  AuthorizationRequest,
  BufferSettings,
  ExtAuthz,
  HttpService,
} from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import { ExtAuthz as NetworkExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import { MetadataMatcher } from "#gen/xds/envoy/type/matcher/v3/metadata.ts";
import { ListStringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";
import { parseDuration, seconds } from "../../model/duration.ts";
import type { ExtensionProvider, GrpcAuthorizer, HttpAuthorizer } from "../../model/extension-provider.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import { outboundCluster } from "../names.ts";

/** Before the name of a rule that leads to an external authorizer stand this and the provider's name. */
export const ruleNamePrefix = (provider: string): string => `istio-ext-authz-${provider}-`;
/** Shadow rules under this prefix say whether it is asked. Both names are Istio's. */
export const ASKING = "istio_ext_authz_";

/** As long as Istio waits where a provider names no time. */
const DEFAULT_TIMEOUT = seconds(600);

/** A provider of MeshConfig with the service that stands behind it. */
export interface Authorizer {
  readonly name: string;
  readonly service: Service;
  readonly cluster: string;
  readonly kind:
    | { readonly protocol: "http"; readonly provider: HttpAuthorizer }
    | { readonly protocol: "grpc"; readonly provider: GrpcAuthorizer };
}

type Registry = Pick<Snapshot, "mesh" | "services">;

/** The authorizer of that name, or why there is none. */
export function findAuthorizer({ mesh, services }: Registry, name: string): Authorizer | { readonly problem: string } {
  const authorizers = mesh.extensionProviders.filter((one) => one.envoyExtAuthzHttp ?? one.envoyExtAuthzGrpc);
  const [found, ...others] = authorizers.filter((one) => one.name === name);
  if (found === undefined) {
    const known = authorizers.map((one) => one.name).join(", ");
    return {
      problem: `provider ${name} is no external authorizer of MeshConfig (extensionProviders): ${known === "" ? "there are none" : `there are ${known}`}`,
    };
  }
  if (others.length > 0) return { problem: `provider ${name} stands in MeshConfig more than once` };
  const kind = kindOf(found);
  const { provider } = kind;
  const service = serviceOf(services, provider.service);
  if (service === undefined) return { problem: `service ${provider.service} of provider ${name} is not known` };
  if (!service.ports.some(({ port }) => port === provider.port))
    return { problem: `service ${provider.service} of provider ${name} has no port ${provider.port}` };
  return { name, service, cluster: outboundCluster(provider.port, "", service.hostname), kind };
}

function kindOf({ envoyExtAuthzHttp, envoyExtAuthzGrpc, name }: ExtensionProvider): Authorizer["kind"] {
  if (envoyExtAuthzHttp !== undefined) return { protocol: "http", provider: envoyExtAuthzHttp };
  if (envoyExtAuthzGrpc !== undefined) return { protocol: "grpc", provider: envoyExtAuthzGrpc };
  throw new Error(`${name} is no authorizer`);
}

/** `[namespace/]host`. */
function serviceOf(services: Registry["services"], reference: string): Service | undefined {
  const [namespace, host] = reference.includes("/") ? reference.split("/") : [undefined, reference];
  const service = services.get(host ?? "");
  return namespace === undefined || service?.namespace === namespace ? service : undefined;
}

/** The filter that asks it about requests. */
export function requestFilter(authorizer: Authorizer): ExtAuthz {
  const { kind } = authorizer;
  const { provider } = kind;
  const common = {
    failureModeAllow: provider.failOpen,
    clearRouteCache: provider.clearRouteCache,
    transportApiVersion: ApiVersion.V3,
    filterEnabledMetadata: askedBy("envoy.filters.http.rbac", authorizer.name),
    ...(provider.statusOnError === undefined ? {} : { statusOnError: { code: Number(provider.statusOnError) } }),
    ...bodySettings(provider),
  };
  if (kind.protocol === "grpc") {
    return ExtAuthz.fromPartial({ ...common, services: { $case: "grpcService", value: grpcService(authorizer) } });
  }
  const included = [...kind.provider.includeHeadersInCheck, ...kind.provider.includeRequestHeadersInCheck];
  return ExtAuthz.fromPartial({
    ...common,
    services: { $case: "httpService", value: httpService(authorizer, kind.provider) },
    ...(included.length === 0 ? {} : { allowedHeaders: headerList(included) }),
  });
}

/** The filter that asks it about connections; undefined for one over HTTP, which is asked about requests only. */
export function connectionFilter(authorizer: Authorizer): NetworkExtAuthz | undefined {
  if (authorizer.kind.protocol === "http") return undefined;
  return NetworkExtAuthz.fromPartial({
    statPrefix: "tcp.",
    failureModeAllow: authorizer.kind.provider.failOpen,
    transportApiVersion: ApiVersion.V3,
    grpcService: grpcService(authorizer),
    filterEnabledMetadata: askedBy("envoy.filters.network.rbac", authorizer.name),
  });
}

const timeoutOf = ({ timeout }: HttpAuthorizer | GrpcAuthorizer) =>
  timeout === undefined ? DEFAULT_TIMEOUT : parseDuration(timeout);

function bodySettings({ includeRequestBodyInCheck: body }: HttpAuthorizer | GrpcAuthorizer): Partial<ExtAuthz> {
  return body === undefined ? {} : { withRequestBody: BufferSettings.fromPartial(body) };
}

/** The cluster's name has `|` in it, which no authority may have. */
const grpcService = (authorizer: Authorizer): GrpcService =>
  GrpcService.fromPartial({
    targetSpecifier: {
      $case: "envoyGrpc",
      value: { clusterName: authorizer.cluster, authority: authorizer.cluster.replaceAll("|", "_.") },
    },
    timeout: timeoutOf(authorizer.kind.provider),
  });

function httpService({ cluster, service }: Authorizer, provider: HttpAuthorizer): HttpService {
  const { headersToUpstreamOnAllow, headersToDownstreamOnDeny, headersToDownstreamOnAllow } = provider;
  const list = (names: readonly string[]) => (names.length === 0 ? undefined : headerList(names));
  const answers = [headersToUpstreamOnAllow, headersToDownstreamOnDeny, headersToDownstreamOnAllow];
  const headersToAdd = Object.entries(provider.includeAdditionalHeadersInCheck)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
  return HttpService.fromPartial({
    serverUri: {
      uri: `http://${service.hostname}`,
      httpUpstreamType: { $case: "cluster", value: cluster },
      timeout: timeoutOf(provider),
    },
    pathPrefix: provider.pathPrefix ?? "",
    ...(headersToAdd.length === 0 ? {} : { authorizationRequest: AuthorizationRequest.fromPartial({ headersToAdd }) }),
    ...(answers.every(({ length }) => length === 0)
      ? {}
      : {
          authorizationResponse: {
            allowedUpstreamHeaders: list(headersToUpstreamOnAllow),
            allowedClientHeaders: list(headersToDownstreamOnDeny),
            allowedClientHeadersOnSuccess: list(headersToDownstreamOnAllow),
          },
        }),
  });
}

/** Names of headers, with `*` at the beginning or the end. */
const headerList = (names: readonly string[]): ListStringMatcher =>
  ListStringMatcher.fromPartial({
    patterns: names.map((name) => ({ ignoreCase: true, matchPattern: patternOf(name) })),
  });

function patternOf(name: string) {
  if (name.startsWith("*")) return { $case: "suffix" as const, value: name.slice(1) };
  if (name.endsWith("*")) return { $case: "prefix" as const, value: name.slice(0, -1) };
  return { $case: "exact" as const, value: name };
}

/** Asked when the rules before it found one that leads to this provider. */
const askedBy = (filter: string, provider: string): MetadataMatcher =>
  MetadataMatcher.fromPartial({
    filter,
    path: [{ segment: { $case: "key", value: `${ASKING}shadow_effective_policy_id` } }],
    value: {
      matchPattern: {
        $case: "stringMatch",
        value: { matchPattern: { $case: "prefix", value: ruleNamePrefix(provider) } },
      },
    },
  });
