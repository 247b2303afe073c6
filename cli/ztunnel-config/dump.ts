import { z } from "zod";

/** A ztunnel's configuration dump, as far as the tables need it; Istio's and ours alike. What else is in it stays for `-o json`. */
const gateway = z.looseObject({ destination: z.union([z.string(), z.looseObject({})]).default("") });

const workload = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  workloadIps: z.array(z.string()).default([]),
  node: z.string().default(""),
  protocol: z.string().default("TCP"),
  waypoint: gateway.optional(),
});

const service = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  vips: z.array(z.string()).default([]),
  waypoint: gateway.optional(),
  endpoints: z.record(z.string(), z.looseObject({ status: z.string().default("Healthy") })).default({}),
});

const policy = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  action: z.string(),
  scope: z.string(),
});

const certificate = z.looseObject({ serialNumber: z.string(), validFrom: z.string(), expirationTime: z.string() });

const identity = z.looseObject({
  identity: z.string(),
  state: z.string(),
  certChain: z.array(certificate).default([]),
  rootCerts: z.array(certificate).default([]),
});

const connection = z.looseObject({
  src: z.string(),
  originalDst: z.string().optional(),
  actualDst: z.string().optional(),
  protocol: z.string().default("TCP"),
  service: z.string().optional(),
});

const connections = z.looseObject({
  connections: z.looseObject({ inbound: z.array(connection).default([]), outbound: z.array(connection).default([]) }),
});

export const dumpSchema = z.looseObject({
  workloads: z.array(workload).default([]),
  services: z.array(service).default([]),
  policies: z.array(policy).default([]),
  certificates: z.array(identity).default([]),
  workloadState: z.record(z.string(), connections).default({}),
});

export type ZtunnelDump = z.infer<typeof dumpSchema>;
export type Connection = z.infer<typeof connection>;
export type Certificate = z.infer<typeof certificate>;
