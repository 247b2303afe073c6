import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { annotations as annotationNames, labels as labelNames, meshController } from "#api/names.ts";
import { protocolOf } from "../model/protocol.ts";
import type { Locality, Origin, Service, Workload } from "../model/snapshot.ts";
import { trafficDistribution } from "./traffic-distribution.ts";

/** Where an object comes from. */
export function originOf(object: KubeObject): Origin {
  const { namespace = "", name = "", resourceVersion = "", creationTimestamp } = object.metadata;
  return { kind: object.kind, namespace, name, resourceVersion, created: creationTimestamp ?? "" };
}

const serviceSpec = z.object({
  type: z.string().optional(),
  clusterIP: z.string().optional(),
  clusterIPs: z.array(z.string()).optional(),
  externalName: z.string().optional(),
  selector: z.record(z.string(), z.string()).optional(),
  internalTrafficPolicy: z.string().optional(),
  trafficDistribution: z.string().optional(),
  publishNotReadyAddresses: z.boolean().optional(),
  ports: z
    .array(
      z.object({
        name: z.string().optional(),
        port: z.number(),
        targetPort: z.union([z.number(), z.string()]).optional(),
        protocol: z.string().optional(),
        appProtocol: z.string().optional(),
      }),
    )
    .optional(),
});

const withSpec = z.object({ spec: z.unknown() });

/** The spec of an object as JSON; what it contains is for the kind's own schema. */
export const specOf = (object: KubeObject): unknown => withSpec.parse(object).spec ?? {};

/** A Kubernetes Service as the mesh sees it. Throws a ZodError if it does not have the shape of one. */
export function parseService(object: KubeObject, domain: string, defaultExportTo: readonly string[]): Service {
  const spec = serviceSpec.parse(specOf(object));
  const origin = originOf(object);
  const addresses = (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter((ip) => ip !== "" && ip !== "None");
  const external = spec.type === "ExternalName" ? spec.externalName : undefined;
  const exportTo = object.metadata.annotations?.["networking.istio.io/exportTo"];
  return {
    origin,
    hostname: `${origin.name}.${origin.namespace}.svc.${domain}`,
    name: origin.name,
    namespace: origin.namespace,
    labels: object.metadata.labels ?? {},
    addresses,
    ranges: [],
    ports: (spec.ports ?? []).map((port) => ({
      name: port.name ?? "",
      port: port.port,
      protocol: protocolOf({
        name: port.name,
        port: port.port,
        appProtocol: port.appProtocol,
        transport: port.protocol,
      }),
      targetPort: port.targetPort ?? port.port,
    })),
    // An empty selector selects nothing here: the endpoints are then somebody else's to name.
    selector: Object.keys(spec.selector ?? {}).length === 0 ? undefined : spec.selector,
    exportTo: exportTo === undefined ? defaultExportTo : exportTo.split(",").map((part) => part.trim()),
    resolution: external === undefined ? "static" : "dns",
    external: external !== undefined,
    headless: spec.clusterIP === "None",
    dnsTargets: external === undefined ? [] : [{ address: external, ports: {}, labels: {}, weight: 1 }],
    subjectAltNames: [],
    autoAddress: undefined,
    distribution: trafficDistribution(spec, object.metadata.annotations ?? {}),
    publishesNotReady: spec.publishNotReadyAddresses === true,
  };
}

/** Where a node is, by the labels that Kubernetes and Istio have for it. */
export function parseNode({ metadata }: KubeObject): Locality {
  const { labels = {} } = metadata;
  return {
    region: labels["topology.kubernetes.io/region"] ?? "",
    zone: labels["topology.kubernetes.io/zone"] ?? "",
    subzone: labels["topology.istio.io/subzone"] ?? "",
  };
}

const pod = z.object({
  spec: z.object({
    serviceAccountName: z.string().optional(),
    hostNetwork: z.boolean().optional(),
    nodeName: z.string().optional(),
    containers: z
      .array(
        z.object({
          ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).optional(),
        }),
      )
      .optional(),
  }),
  status: z
    .object({
      podIP: z.string().optional(),
      phase: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string().optional() })).optional(),
    })
    .optional(),
});

/** A pod that has an address and has not ended; undefined for others. */
export function parsePod(object: KubeObject): Workload | undefined {
  const { spec, status } = pod.parse(object);
  if (!status?.podIP || status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const { namespace = "", name = "", labels = {} } = object.metadata;
  const workloadName = workloadNameOf(object);
  const captured = object.metadata.annotations?.[annotationNames.redirection] === "enabled";
  const named = (spec.containers ?? []).flatMap(({ ports }) => ports ?? []).filter((port) => port.name !== undefined);
  return {
    name,
    namespace,
    address: status.podIP,
    labels,
    serviceAccount: spec.serviceAccountName ?? "default",
    workloadName,
    canonicalName:
      labels[labelNames.canonicalName] ?? labels["app.kubernetes.io/name"] ?? labels[labelNames.app] ?? workloadName,
    canonicalRevision:
      labels[labelNames.canonicalRevision] ??
      labels["app.kubernetes.io/version"] ??
      labels[labelNames.version] ??
      "latest",
    tlsMode: labels[labelNames.tlsMode] === "istio" && spec.hostNetwork !== true ? "istio" : "disabled",
    ports: Object.fromEntries(named.map((port) => [port.name ?? "", port.containerPort])),
    node: spec.nodeName ?? "",
    hostNetwork: spec.hostNetwork === true,
    captured,
    // A waypoint is told by who made it.
    takesHbone:
      captured || labels[labelNames.tunnel] === "http" || labels[labelNames.gatewayManaged] === meshController,
  };
}

/** Whether a pod takes traffic. */
export function isPodReady(object: KubeObject): boolean {
  const conditions = pod.parse(object).status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** The Deployment behind a ReplicaSet, whose name ends in the hash of its template; else the controller itself. */
function workloadNameOf({ metadata }: KubeObject): string {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return metadata.name ?? "";
  const hash = metadata.labels?.["pod-template-hash"];
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return owner.name.slice(0, -hash.length - 1);
  }
  return owner.name;
}

const slice = z.object({
  addressType: z.string().optional(),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: z.object({ ready: z.boolean().nullish() }).optional(),
        targetRef: z
          .object({ kind: z.string().optional(), name: z.string().optional(), namespace: z.string().optional() })
          .optional(),
      }),
    )
    .nullish(),
  ports: z.array(z.object({ name: z.string().nullish(), port: z.number().nullish() })).nullish(),
});

/** The ready part of an EndpointSlice. */
export interface Slice {
  readonly namespace: string;
  readonly service: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly endpoints: readonly { readonly address: string; readonly pod: string | undefined }[];
}

export function parseSlice(object: KubeObject): Slice {
  const { endpoints, ports, addressType } = slice.parse(object);
  const { namespace = "", labels } = object.metadata;
  return {
    namespace,
    service: labels?.["kubernetes.io/service-name"] ?? "",
    ports: Object.fromEntries((ports ?? []).map((port) => [port.name ?? "", port.port ?? 0])),
    endpoints: (addressType === "FQDN" ? [] : (endpoints ?? []))
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, targetRef }) => {
        const pod =
          targetRef?.kind === "Pod" ? `${targetRef.namespace ?? namespace}/${targetRef.name ?? ""}` : undefined;
        return addresses.slice(0, 1).map((address) => ({ address, pod }));
      }),
  };
}
