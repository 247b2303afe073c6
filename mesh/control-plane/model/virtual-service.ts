import { z } from "zod";

/** One of exact, prefix and regex; none of them means "is there". */
export const stringMatch = z.object({
  exact: z.string().optional(),
  prefix: z.string().optional(),
  regex: z.string().optional(),
});
export type StringMatch = z.infer<typeof stringMatch>;

const headerOperations = z.object({
  set: z.record(z.string(), z.string()).optional(),
  add: z.record(z.string(), z.string()).optional(),
  remove: z.array(z.string()).optional(),
});
export const headerEdits = z.object({ request: headerOperations.optional(), response: headerOperations.optional() });
export type HeaderEdits = z.infer<typeof headerEdits>;
export type HeaderOperations = z.infer<typeof headerOperations>;

export const destination = z.object({
  host: z.string(),
  subset: z.string().optional(),
  port: z.object({ number: z.number() }).optional(),
});
export type Destination = z.infer<typeof destination>;

export const httpMatch = z.object({
  name: z.string().optional(),
  uri: stringMatch.optional(),
  scheme: stringMatch.optional(),
  method: stringMatch.optional(),
  authority: stringMatch.optional(),
  headers: z.record(z.string(), stringMatch).optional(),
  withoutHeaders: z.record(z.string(), stringMatch).optional(),
  queryParams: z.record(z.string(), stringMatch).optional(),
  ignoreUriCase: z.boolean().optional(),
  port: z.number().optional(),
  sourceLabels: z.record(z.string(), z.string()).optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
  statPrefix: z.string().optional(),
});
export type HttpMatch = z.infer<typeof httpMatch>;

export const routeDestination = z.object({
  destination,
  weight: z.number().optional(),
  headers: headerEdits.optional(),
});
export type RouteDestination = z.infer<typeof routeDestination>;

const percentage = z.object({ value: z.number().optional() });

const fault = z.object({
  delay: z
    .object({ fixedDelay: z.string().optional(), percentage: percentage.optional(), percent: z.number().optional() })
    .optional(),
  abort: z
    .object({ httpStatus: z.number().optional(), grpcStatus: z.string().optional(), percentage: percentage.optional() })
    .optional(),
});

const retries = z.object({
  attempts: z.number().optional(),
  perTryTimeout: z.string().optional(),
  retryOn: z.string().optional(),
  retryRemoteLocalities: z.boolean().nullish(),
  retryIgnorePreviousHosts: z.boolean().nullish(),
  backoff: z.string().optional(),
});
export type HttpRetries = z.infer<typeof retries>;

const cors = z.object({
  allowOrigins: z.array(stringMatch).optional(),
  allowOrigin: z.array(z.string()).optional(),
  allowMethods: z.array(z.string()).optional(),
  allowHeaders: z.array(z.string()).optional(),
  exposeHeaders: z.array(z.string()).optional(),
  maxAge: z.string().optional(),
  allowCredentials: z.boolean().nullish(),
  unmatchedPreflights: z.string().optional(),
});
export type Cors = z.infer<typeof cors>;

const mirrorOptions = { percentage: percentage.optional() };

export const httpRoute = z.object({
  name: z.string().optional(),
  match: z.array(httpMatch).optional(),
  route: z.array(routeDestination).optional(),
  redirect: z
    .object({
      uri: z.string().optional(),
      authority: z.string().optional(),
      port: z.number().optional(),
      derivePort: z.string().optional(),
      scheme: z.string().optional(),
      redirectCode: z.number().optional(),
    })
    .optional(),
  directResponse: z
    .object({
      status: z.number(),
      body: z.object({ string: z.string().optional(), bytes: z.string().optional() }).optional(),
    })
    .optional(),
  delegate: z.object({ name: z.string(), namespace: z.string().optional() }).optional(),
  rewrite: z
    .object({
      uri: z.string().optional(),
      authority: z.string().optional(),
      uriRegexRewrite: z.object({ match: z.string().optional(), rewrite: z.string().optional() }).optional(),
    })
    .optional(),
  timeout: z.string().optional(),
  retries: retries.optional(),
  fault: fault.optional(),
  mirror: destination.optional(),
  mirrorPercentage: percentage.optional(),
  mirrors: z.array(z.object({ destination, ...mirrorOptions })).optional(),
  corsPolicy: cors.optional(),
  headers: headerEdits.optional(),
});
export type HttpRoute = z.infer<typeof httpRoute>;

const l4Match = z.object({
  destinationSubnets: z.array(z.string()).optional(),
  port: z.number().optional(),
  sourceLabels: z.record(z.string(), z.string()).optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
});
const l4Destination = z.object({ destination, weight: z.number().optional() });
export type L4Destination = z.infer<typeof l4Destination>;

export const tcpRoute = z.object({ match: z.array(l4Match).optional(), route: z.array(l4Destination).optional() });
export type TcpRoute = z.infer<typeof tcpRoute>;
export type L4Match = z.infer<typeof l4Match>;

export const tlsRoute = z.object({
  match: z.array(l4Match.extend({ sniHosts: z.array(z.string()) })),
  route: z.array(l4Destination).optional(),
});
export type TlsRoute = z.infer<typeof tlsRoute>;

/** Spec of a VirtualService. Names and meaning: Istio's API reference, networking.istio.io/v1. */
export const virtualServiceSpec = z.object({
  hosts: z.array(z.string()).optional(),
  gateways: z.array(z.string()).optional(),
  http: z.array(httpRoute).optional(),
  tls: z.array(tlsRoute).optional(),
  tcp: z.array(tcpRoute).optional(),
  exportTo: z.array(z.string()).optional(),
});
export type VirtualServiceSpec = z.infer<typeof virtualServiceSpec>;
