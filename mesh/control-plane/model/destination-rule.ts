import { z } from "zod";

const consistentHash = z.object({
  httpHeaderName: z.string().optional(),
  httpCookie: z.object({ name: z.string(), path: z.string().optional(), ttl: z.string().optional() }).optional(),
  useSourceIp: z.boolean().optional(),
  httpQueryParameterName: z.string().optional(),
  minimumRingSize: z.number().optional(),
  ringHash: z.object({ minimumRingSize: z.number().optional() }).optional(),
  maglev: z.object({ tableSize: z.number().optional() }).optional(),
});
export type ConsistentHash = z.infer<typeof consistentHash>;

const loadBalancer = z.object({ simple: z.string().optional(), consistentHash: consistentHash.optional() });
export type LoadBalancer = z.infer<typeof loadBalancer>;

const connectionPool = z.object({
  tcp: z
    .object({
      maxConnections: z.number().optional(),
      connectTimeout: z.string().optional(),
      idleTimeout: z.string().optional(),
      maxConnectionDuration: z.string().optional(),
      tcpKeepalive: z
        .object({ probes: z.number().optional(), time: z.string().optional(), interval: z.string().optional() })
        .optional(),
    })
    .optional(),
  http: z
    .object({
      http1MaxPendingRequests: z.number().optional(),
      http2MaxRequests: z.number().optional(),
      maxRequestsPerConnection: z.number().optional(),
      maxRetries: z.number().optional(),
      idleTimeout: z.string().optional(),
      h2UpgradePolicy: z.string().optional(),
      useClientProtocol: z.boolean().optional(),
      maxConcurrentStreams: z.number().optional(),
    })
    .optional(),
});
export type ConnectionPool = z.infer<typeof connectionPool>;

const outlierDetection = z.object({
  consecutiveErrors: z.number().optional(),
  consecutive5xxErrors: z.number().nullish(),
  consecutiveGatewayErrors: z.number().nullish(),
  consecutiveLocalOriginFailures: z.number().nullish(),
  splitExternalLocalOriginErrors: z.boolean().optional(),
  interval: z.string().optional(),
  baseEjectionTime: z.string().optional(),
  maxEjectionPercent: z.number().optional(),
  minHealthPercent: z.number().optional(),
});
export type OutlierDetection = z.infer<typeof outlierDetection>;

const clientTls = z.object({
  mode: z.enum(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]).optional(),
  clientCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  caCrl: z.string().optional(),
  credentialName: z.string().optional(),
  subjectAltNames: z.array(z.string()).optional(),
  sni: z.string().optional(),
  insecureSkipVerify: z.boolean().nullish(),
});
export type ClientTls = z.infer<typeof clientTls>;

const policyFields = {
  loadBalancer: loadBalancer.optional(),
  connectionPool: connectionPool.optional(),
  outlierDetection: outlierDetection.optional(),
  tls: clientTls.optional(),
};
const portPolicy = z.object({ port: z.object({ number: z.number() }).optional(), ...policyFields });
export const trafficPolicy = z.object({ ...policyFields, portLevelSettings: z.array(portPolicy).optional() });
export type TrafficPolicy = z.infer<typeof trafficPolicy>;

const subset = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  trafficPolicy: trafficPolicy.optional(),
});
export type Subset = z.infer<typeof subset>;

/** Spec of a DestinationRule. Names and meaning: Istio's API reference, networking.istio.io/v1. */
export const destinationRuleSpec = z.object({
  host: z.string(),
  trafficPolicy: trafficPolicy.optional(),
  subsets: z.array(subset).optional(),
  exportTo: z.array(z.string()).optional(),
  workloadSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
});
export type DestinationRuleSpec = z.infer<typeof destinationRuleSpec>;
