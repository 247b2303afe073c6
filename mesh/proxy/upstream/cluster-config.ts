import { type Cluster, Cluster_DiscoveryType, Cluster_LbPolicy } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import type { Policy } from "../../lib/balance/balancer.ts";
import { type BreakerLimits, breakerLimits } from "../../lib/breaker/circuit-breaker.ts";
import { compileOutlierPolicy, type OutlierPolicy } from "../../lib/breaker/outlier.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import type { DestinationService } from "../request-record.ts";
import type { SecretStore } from "../tls/secret-store.ts";
import { compileTransport, type TransportChooser } from "./transport.ts";

/** A cluster's settings, checked and with Envoy's defaults filled in. */
export interface ClusterConfig {
  readonly name: string;
  /** dns connects to every address that is found, dns_first to the first of the newest answer. */
  readonly discovery: "eds" | "static" | "dns" | "dns_first" | "original_dst";
  /** Name under which endpoints are delivered. */
  readonly serviceName: string;
  readonly policy: Policy;
  readonly choices: number;
  readonly ringSize: number;
  readonly limits: BreakerLimits;
  readonly outlier: OutlierPolicy | undefined;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxRequestsPerConnection: number;
  readonly localAddress: string | undefined;
  /** Percent of healthy hosts below which health is ignored. */
  readonly panicThreshold: number;
  readonly transport: TransportChooser;
  readonly destinationService: DestinationService | undefined;
  readonly dnsRefreshMs: number;
  readonly ipv6: boolean;
  readonly autoSni: boolean;
  /** Of an original destination, or the waypoint in its place, only the address counts, and this port. */
  readonly portOverride: number | undefined;
  /** Whether an original destination's waypoint, where it has one, is connected to in its place. */
  readonly followsWaypoint: boolean;
}

const protocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Reads a cluster of the Envoy API. Throws when it asks for what the proxy does not have. */
export function compileCluster(cluster: Cluster, secrets: SecretStore): ClusterConfig {
  const packed = cluster.typedExtensionProtocolOptions[protocolOptions];
  const options = packed === undefined ? undefined : HttpProtocolOptions.decode(packed.value);
  const common = options?.commonHttpProtocolOptions ?? cluster.commonHttpProtocolOptions;
  const limits = breakerLimits(cluster.circuitBreakers);
  return {
    name: cluster.name,
    discovery: discoveryOf(cluster),
    serviceName: cluster.edsClusterConfig?.serviceName || cluster.name,
    policy: policyOf(cluster.lbPolicy),
    choices: cluster.lbConfig?.$case === "leastRequestLbConfig" ? (cluster.lbConfig.value.choiceCount ?? 2) : 2,
    ringSize: cluster.lbConfig?.$case === "ringHashLbConfig" ? (cluster.lbConfig.value.minimumRingSize ?? 1024) : 1024,
    limits,
    outlier: cluster.outlierDetection === undefined ? undefined : compileOutlierPolicy(cluster.outlierDetection),
    connectTimeoutMs: milliseconds(cluster.connectTimeout) ?? 5000,
    idleTimeoutMs: milliseconds(common?.idleTimeout) || 3_600_000,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? cluster.maxRequestsPerConnection ?? 0,
    localAddress: cluster.upstreamBindConfig?.sourceAddress?.address || undefined,
    panicThreshold: cluster.commonLbConfig?.healthyPanicThreshold?.value ?? 50,
    transport: compileTransport(cluster, secrets),
    destinationService: serviceOf(cluster.metadata?.filterMetadata.istio?.services),
    dnsRefreshMs: milliseconds(cluster.dnsRefreshRate) ?? 5000,
    ipv6: cluster.dnsLookupFamily === 2,
    autoSni: options?.upstreamHttpProtocolOptions?.autoSni ?? false,
    ...originalDestinationOf(cluster),
  };
}

function discoveryOf(cluster: Cluster): ClusterConfig["discovery"] {
  if (cluster.clusterDiscoveryType?.$case === "clusterType") {
    throw new Error(`cluster type ${cluster.clusterDiscoveryType.value.name} is not supported`);
  }
  switch (cluster.clusterDiscoveryType?.value ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.EDS:
      return "eds";
    case Cluster_DiscoveryType.STATIC:
      return "static";
    case Cluster_DiscoveryType.STRICT_DNS:
      return "dns";
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return "dns_first";
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return "original_dst";
    default:
      throw new Error("its discovery type is unknown");
  }
}

function originalDestinationOf({ lbConfig }: Cluster): Pick<ClusterConfig, "portOverride" | "followsWaypoint"> {
  if (lbConfig?.$case !== "originalDstLbConfig") return { portOverride: undefined, followsWaypoint: false };
  const { upstreamPortOverride, metadataKey } = lbConfig.value;
  return {
    portOverride: upstreamPortOverride,
    followsWaypoint: metadataKey?.path.map(({ segment }) => segment?.value).join(".") === "waypoint",
  };
}

function policyOf(policy: Cluster_LbPolicy): Policy {
  switch (policy) {
    case Cluster_LbPolicy.LEAST_REQUEST:
      return "least_request";
    case Cluster_LbPolicy.RANDOM:
      return "random";
    case Cluster_LbPolicy.RING_HASH:
      return "ring_hash";
    case Cluster_LbPolicy.MAGLEV:
      return "maglev";
    default:
      return "round_robin";
  }
}

/** The first of the services that Istio's metadata names. */
function serviceOf(services: unknown): DestinationService | undefined {
  const first: unknown = Array.isArray(services) ? services[0] : undefined;
  if (typeof first !== "object" || first === null) return undefined;
  const field = (name: string): string => {
    const value: unknown = Reflect.get(first, name);
    return typeof value === "string" ? value : "";
  };
  return { host: field("host"), name: field("name"), namespace: field("namespace") };
}
