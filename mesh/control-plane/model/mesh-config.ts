import { z } from "zod";
import { extensionProvider } from "./extension-provider.ts";
import { outboundMode } from "./other-kinds.ts";

/** What the control plane reads of MeshConfig (ConfigMap istio, key mesh). Source: MeshConfig in Istio's API reference. */
export const meshConfig = z.object({
  trustDomain: z.string().default("cluster.local"),
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
});
export type MeshConfig = z.infer<typeof meshConfig>;
