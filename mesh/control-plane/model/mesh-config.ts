import { z } from "zod";
import { extensionProvider } from "./extension-provider.ts";
import { outboundMode } from "./other-kinds.ts";
import { tlsVersion } from "./tls-settings.ts";

/** Source: SPIFFE ID, 2.1 (trust domain). */
const trustDomainName = z
  .string()
  .regex(
    /^[a-z0-9._-]{1,255}$/,
    'a trust domain has lower-case letters, digits, ".", "-" and "_" only, such as example.org',
  );

const tls = z.strictObject({
  minProtocolVersion: tlsVersion.optional(),
  cipherSuites: z.array(z.string()).optional(),
  ecdhCurves: z.array(z.enum(["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768"])).optional(),
});

/** Authorities whose certificates are trusted beside the mesh's own, with the signers that they belong to. */
const certificateData = z.strictObject({
  pem: z.string().optional(),
  spiffeBundleUrl: z.string().optional(),
  certSigners: z.array(z.string()).optional(),
  trustDomains: z.array(z.string()).optional(),
});

/** Fields of Istio's MeshConfig that are accepted and have no effect here. Source: istio.mesh.v1alpha1.MeshConfig. */
const notHonoured: readonly string[] = [
  "accessLogEncoding",
  "ca",
  "certificates",
  "configSources",
  "defaultHttpRetryPolicy",
  "defaultProviders",
  "disableEnvoyListenerLog",
  "discoverySelectors",
  "dnsRefreshRate",
  "enableEnvoyAccessLogService",
  "enableTracing",
  "h2UpgradePolicy",
  "hboneIdleTimeout",
  "inboundClusterStatName",
  "inboundTrafficPolicy",
  "ingressClass",
  "ingressControllerMode",
  "ingressSelector",
  "ingressService",
  "localityLbSetting",
  "outboundClusterStatName",
  "pathNormalization",
  "protocolDetectionTimeout",
  "proxyHttpPort",
  "proxyInboundListenPort",
  "proxyListenPort",
  "serviceScopeConfigs",
  "serviceSettings",
  "tcpKeepalive",
  "verifyCertificateAtClient",
];

/** What the control plane reads of MeshConfig (ConfigMap istio, key mesh). A field that MeshConfig does not have is an error. */
export const meshConfig = z.strictObject({
  trustDomain: trustDomainName.default("cluster.local"),
  /** Other names of the same mesh: who has an identity of theirs is treated as if it were of this one. */
  trustDomainAliases: z.array(trustDomainName).default([]),
  rootNamespace: z.string().default("istio-system"),
  accessLogFile: z.string().default("/dev/stdout"),
  accessLogFormat: z.string().optional(),
  enableAutoMtls: z.boolean().default(true),
  enablePrometheusMerge: z.boolean().default(true),
  /** ProxyConfig that every proxy starts from; read by injection. */
  defaultConfig: z.record(z.string(), z.unknown()).default({}),
  connectTimeout: z.string().default("10s"),
  outboundTrafficPolicy: z.object({ mode: outboundMode.optional() }).default({}),
  defaultServiceExportTo: z.array(z.string()).default(["*"]),
  defaultVirtualServiceExportTo: z.array(z.string()).default(["*"]),
  defaultDestinationRuleExportTo: z.array(z.string()).default(["*"]),
  /** By name, for policies of action CUSTOM. */
  extensionProviders: z.array(extensionProvider).default([]),
  /** TLS between proxies of the mesh. */
  meshMTLS: tls.default({}),
  /** All other TLS that proxies speak. */
  tlsDefaults: tls.default({}),
  caCertificates: z.array(certificateData).default([]),
  ...Object.fromEntries(notHonoured.map((name) => [name, z.unknown().optional()])),
});
export type MeshConfig = z.infer<typeof meshConfig>;

/** The mesh's trust domain and its aliases, each once. */
export const trustDomainsOf = ({
  trustDomain,
  trustDomainAliases,
}: Pick<MeshConfig, "trustDomain" | "trustDomainAliases">): readonly string[] => [
  ...new Set([trustDomain, ...trustDomainAliases]),
];
