import { z } from "zod";
import type { Origin } from "./snapshot.ts";

const listener = z.object({
  name: z.string(),
  port: z.number(),
  protocol: z.string(),
  allowedRoutes: z
    .object({
      namespaces: z
        .object({
          from: z.enum(["Same", "All", "Selector", "None"]).optional(),
          selector: z
            .object({
              matchLabels: z.record(z.string(), z.string()).optional(),
              matchExpressions: z
                .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
                .optional(),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});
export type KubernetesListener = z.infer<typeof listener>;

/** Spec of a gateway.networking.k8s.io Gateway, as far as the mesh reads it. */
export const kubernetesGatewaySpec = z.object({
  gatewayClassName: z.string(),
  listeners: z.array(listener).default([]),
  infrastructure: z
    .object({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});

export const kubernetesGatewayStatus = z.object({
  addresses: z.array(z.object({ type: z.string().optional(), value: z.string() })).default([]),
});

/** A Gateway of the Gateway API. */
export interface KubernetesGateway {
  readonly origin: Origin;
  readonly labels: Readonly<Record<string, string>>;
  readonly className: string;
  readonly listeners: readonly KubernetesListener[];
  /** Where it is reached, as its status says; none until something serves there. */
  readonly addresses: readonly string[];
}

/** Classes of Gateways that this control plane runs. Source: Istio's Gateway API documentation. */
export const gatewayClasses = { gateway: "istio", waypoint: "istio-waypoint" } as const;
