import { CircuitBreakers } from "#gen/xds/envoy/config/cluster/v3/circuit_breaker.ts";
import { type Cluster, Cluster_LbPolicy } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { OutlierDetection as OutlierDetectionCodec } from "#gen/xds/envoy/config/cluster/v3/outlier_detection.ts";
import type { ConnectionPool, LoadBalancer, OutlierDetection, TrafficPolicy } from "../model/destination-rule.ts";
import { parseDuration } from "../model/duration.ts";

/** Limits that are never reached: nothing is limited until someone says so. */
const UNLIMITED = 4_294_967_295;

/** The policy for one port of a host: what stands at the port replaces the host's, and a subset's replaces both, field by field. */
export function policyFor(
  host: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): TrafficPolicy {
  return { ...levelFor(host, port), ...defined(levelFor(subset, port)) };
}

/** Fields that stand at a port are taken as a whole: what the port leaves out falls back to defaults, not to the host's. */
function levelFor(policy: TrafficPolicy | undefined, port: number): TrafficPolicy {
  const atPort = policy?.portLevelSettings?.find((setting) => setting.port?.number === port);
  if (atPort !== undefined) {
    const { loadBalancer, connectionPool, outlierDetection, tls } = atPort;
    return { loadBalancer, connectionPool, outlierDetection, tls };
  }
  const { portLevelSettings: _, ...rest } = policy ?? {};
  return rest;
}

const defined = (policy: TrafficPolicy): TrafficPolicy =>
  Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));

type ClusterPart = Partial<Cluster>;

/** What load balancing, connection pool and outlier detection say on a cluster; TLS stands in its transport socket. */
export function policyParts(policy: TrafficPolicy): ClusterPart {
  return {
    ...loadBalancing(policy.loadBalancer),
    ...connections(policy.connectionPool),
    ...(policy.outlierDetection === undefined ? {} : outliers(policy.outlierDetection)),
  };
}

function loadBalancing(balancer: LoadBalancer | undefined): ClusterPart {
  const hash = balancer?.consistentHash;
  if (hash?.maglev !== undefined) {
    return {
      lbPolicy: Cluster_LbPolicy.MAGLEV,
      lbConfig: { $case: "maglevLbConfig", value: { tableSize: hash.maglev.tableSize } },
    };
  }
  if (hash !== undefined) {
    const minimumRingSize = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? 1024;
    return {
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      lbConfig: { $case: "ringHashLbConfig", value: { minimumRingSize, hashFunction: 0, maximumRingSize: undefined } },
    };
  }
  return { lbPolicy: simplePolicy(balancer?.simple) };
}

function simplePolicy(simple: string | undefined): Cluster_LbPolicy {
  switch (simple) {
    case "ROUND_ROBIN":
      return Cluster_LbPolicy.ROUND_ROBIN;
    case "RANDOM":
      return Cluster_LbPolicy.RANDOM;
    case "PASSTHROUGH":
      return Cluster_LbPolicy.CLUSTER_PROVIDED;
    default:
      return Cluster_LbPolicy.LEAST_REQUEST;
  }
}

function connections(pool: ConnectionPool | undefined): ClusterPart {
  const { tcp, http } = pool ?? {};
  const circuitBreakers = CircuitBreakers.fromPartial({
    thresholds: [
      {
        maxConnections: tcp?.maxConnections || UNLIMITED,
        maxPendingRequests: http?.http1MaxPendingRequests || UNLIMITED,
        maxRequests: http?.http2MaxRequests || UNLIMITED,
        maxRetries: http?.maxRetries || UNLIMITED,
        trackRemaining: true,
      },
    ],
  });
  const keepalive = tcp?.tcpKeepalive;
  return {
    circuitBreakers,
    ...(tcp?.connectTimeout === undefined ? {} : { connectTimeout: parseDuration(tcp.connectTimeout) }),
    ...(keepalive === undefined
      ? {}
      : {
          upstreamConnectionOptions: {
            tcpKeepalive: {
              keepaliveProbes: keepalive.probes,
              keepaliveTime: wholeSeconds(keepalive.time),
              keepaliveInterval: wholeSeconds(keepalive.interval),
            },
            setLocalInterfaceNameOnUpstreamConnections: false,
          },
        }),
  };
}

const wholeSeconds = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseDuration(text).seconds;

function outliers(detection: OutlierDetection): ClusterPart {
  const consecutive5xx = detection.consecutive5xxErrors ?? detection.consecutiveErrors ?? undefined;
  const gateway = detection.consecutiveGatewayErrors ?? undefined;
  const outlierDetection = OutlierDetectionCodec.fromPartial({
    consecutive5xx,
    enforcingConsecutive5xx: consecutive5xx === undefined ? undefined : consecutive5xx > 0 ? 100 : 0,
    consecutiveGatewayFailure: gateway,
    enforcingConsecutiveGatewayFailure: gateway === undefined ? undefined : gateway > 0 ? 100 : 0,
    // Istio judges by errors that were counted one after the other, never by a host's success rate.
    enforcingSuccessRate: 0,
    splitExternalLocalOriginErrors: detection.splitExternalLocalOriginErrors ?? false,
    consecutiveLocalOriginFailure: detection.consecutiveLocalOriginFailures ?? undefined,
    interval: detection.interval === undefined ? undefined : parseDuration(detection.interval),
    baseEjectionTime: detection.baseEjectionTime === undefined ? undefined : parseDuration(detection.baseEjectionTime),
    maxEjectionPercent: detection.maxEjectionPercent,
  });
  const commonLbConfig = {
    healthyPanicThreshold: { value: detection.minHealthPercent ?? 0 },
    localityConfigSpecifier: undefined,
    ignoreNewHostsUntilFirstHc: false,
    closeConnectionsOnHostSetChange: false,
  };
  return { outlierDetection, commonLbConfig };
}
