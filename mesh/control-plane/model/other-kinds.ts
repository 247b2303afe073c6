import { z } from "zod";
import type { TrafficDistribution } from "./snapshot.ts";
import { tlsVersion } from "./tls-settings.ts";

const serverTls = z.object({
  httpsRedirect: z.boolean().optional(),
  mode: z.enum(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]).optional(),
  credentialName: z.string().optional(),
  credentialNames: z.array(z.string()).optional(),
  caCertCredentialName: z.string().optional(),
  serverCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  subjectAltNames: z.array(z.string()).optional(),
  verifyCertificateSpki: z.array(z.string()).optional(),
  verifyCertificateHash: z.array(z.string()).optional(),
  caCrl: z.string().optional(),
  minProtocolVersion: tlsVersion.optional(),
  maxProtocolVersion: tlsVersion.optional(),
  cipherSuites: z.array(z.string()).optional(),
});
export type ServerTls = z.infer<typeof serverTls>;

const server = z.object({
  port: z.object({ number: z.number(), name: z.string().optional(), protocol: z.string() }),
  bind: z.string().optional(),
  hosts: z.array(z.string()),
  tls: serverTls.optional(),
  name: z.string().optional(),
});
export type GatewayServer = z.infer<typeof server>;

/** Spec of a networking.istio.io Gateway. */
export const gatewaySpec = z.object({
  selector: z.record(z.string(), z.string()).optional(),
  servers: z.array(server).optional(),
});
export type GatewaySpec = z.infer<typeof gatewaySpec>;

const workloadEntry = z.object({
  address: z.string().optional(),
  ports: z.record(z.string(), z.number()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  serviceAccount: z.string().optional(),
  weight: z.number().optional(),
});

/** Spec of a WorkloadEntry: a workload that is no pod. */
export const workloadEntrySpec = workloadEntry;
export type WorkloadEntrySpec = z.infer<typeof workloadEntrySpec>;

/** Spec of a ServiceEntry: a service that Kubernetes does not know. */
export const serviceEntrySpec = z.object({
  hosts: z.array(z.string()),
  addresses: z.array(z.string()).optional(),
  ports: z
    .array(
      z.object({
        number: z.number(),
        name: z.string().optional(),
        protocol: z.string().optional(),
        targetPort: z.number().optional(),
      }),
    )
    .optional(),
  location: z.enum(["MESH_EXTERNAL", "MESH_INTERNAL"]).optional(),
  resolution: z.enum(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]).optional(),
  endpoints: z.array(workloadEntry).optional(),
  workloadSelector: z.object({ labels: z.record(z.string(), z.string()).optional() }).optional(),
  exportTo: z.array(z.string()).optional(),
  subjectAltNames: z.array(z.string()).optional(),
});
export type ServiceEntrySpec = z.infer<typeof serviceEntrySpec>;

export interface ServiceEntry extends ServiceEntrySpec {
  /** Its hosts get addresses of the mesh's own if it gives them none. */
  readonly autoAllocates: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly distribution: TrafficDistribution;
}

/** Left out, the mode of a policy that is there is REGISTRY_ONLY. */
export const outboundMode = z.enum(["ALLOW_ANY", "REGISTRY_ONLY"]);
export type OutboundMode = z.infer<typeof outboundMode>;

/** Spec of a Sidecar: what a namespace's (or some of its) proxies know and let out. */
export const sidecarSpec = z.object({
  workloadSelector: z.object({ labels: z.record(z.string(), z.string()).optional() }).optional(),
  egress: z.array(z.object({ hosts: z.array(z.string()).optional() })).optional(),
  outboundTrafficPolicy: z.object({ mode: outboundMode.optional() }).optional(),
});
export type SidecarSpec = z.infer<typeof sidecarSpec>;

const mtls = z.object({ mode: z.enum(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]).optional() });

/** Spec of a PeerAuthentication: who must come with a certificate. */
export const peerAuthenticationSpec = z.object({
  selector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
  mtls: mtls.optional(),
  portLevelMtls: z.record(z.string(), mtls).optional(),
});
export type PeerAuthenticationSpec = z.infer<typeof peerAuthenticationSpec>;

/** gatewayTopology of a ProxyConfig: who stands before a gateway. */
export const gatewayTopology = z.object({
  numTrustedProxies: z.number().optional(),
  forwardClientCertDetails: z
    .enum(["UNDEFINED", "SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"])
    .optional(),
});
export type GatewayTopology = z.infer<typeof gatewayTopology>;
