import { z } from "zod";

const values = z.array(z.string()).optional();

const source = z.object({
  principals: values,
  notPrincipals: values,
  requestPrincipals: values,
  notRequestPrincipals: values,
  namespaces: values,
  notNamespaces: values,
  serviceAccounts: values,
  notServiceAccounts: values,
  trustDomains: values,
  notTrustDomains: values,
  ipBlocks: values,
  notIpBlocks: values,
  remoteIpBlocks: values,
  notRemoteIpBlocks: values,
});
export type AuthorizationSource = z.infer<typeof source>;

const operation = z.object({
  hosts: values,
  notHosts: values,
  ports: values,
  notPorts: values,
  methods: values,
  notMethods: values,
  paths: values,
  notPaths: values,
});
export type AuthorizationOperation = z.infer<typeof operation>;

const condition = z.object({ key: z.string(), values, notValues: values });
export type AuthorizationCondition = z.infer<typeof condition>;

const rule = z.object({
  from: z.array(z.object({ source: source.default({}) })).optional(),
  to: z.array(z.object({ operation: operation.default({}) })).optional(),
  when: z.array(condition).optional(),
});
export type AuthorizationRule = z.infer<typeof rule>;

/** An object that a policy is for. */
export const targetRef = z.object({ group: z.string().default(""), kind: z.string(), name: z.string() });

/** Spec of a security.istio.io AuthorizationPolicy: who may do what with a workload. */
export const authorizationPolicySpec = z.object({
  selector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
  targetRef: targetRef.optional(),
  targetRefs: z.array(targetRef).optional(),
  action: z.enum(["ALLOW", "DENY", "AUDIT", "CUSTOM"]).default("ALLOW"),
  provider: z.object({ name: z.string() }).optional(),
  rules: z.array(rule).default([]),
});

export interface AuthorizationPolicy extends z.infer<typeof authorizationPolicySpec> {
  /** Only told what it would do (annotation istio.io/dry-run). */
  readonly dryRun: boolean;
}
