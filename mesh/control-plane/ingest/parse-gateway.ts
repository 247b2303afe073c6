import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { type KubernetesGateway, kubernetesGatewaySpec, kubernetesGatewayStatus } from "../model/kubernetes-gateway.ts";
import { originOf, specOf } from "./parse-core.ts";

const withStatus = z.object({ status: kubernetesGatewayStatus.optional() });

/** A gateway.networking.k8s.io Gateway. Throws a ZodError if it does not have the shape of one. */
export function parseKubernetesGateway(object: KubeObject): KubernetesGateway {
  const { gatewayClassName, listeners } = kubernetesGatewaySpec.parse(specOf(object));
  const { status } = withStatus.parse(object);
  return {
    origin: originOf(object),
    labels: object.metadata.labels ?? {},
    className: gatewayClassName,
    listeners,
    addresses: (status?.addresses ?? []).map(({ value }) => value),
  };
}

/** Gateways of two API groups go by the same name; this tells them apart. */
export const kubernetesGatewayKind = "KubernetesGateway";

/** The kind under which an object is kept. */
export const kindOf = ({ apiVersion, kind }: KubeObject): string =>
  kind === "Gateway" && apiVersion?.startsWith("gateway.networking.k8s.io/") ? kubernetesGatewayKind : kind;

/** The labels of a namespace. */
export const parseNamespace = ({ metadata }: KubeObject): Readonly<Record<string, string>> => metadata.labels ?? {};
