import { isDeepStrictEqual } from "node:util";
import type { IEndpoint } from "kubernetes-models/discovery.k8s.io/v1/Endpoint";
import type { IEndpointSlice } from "kubernetes-models/discovery.k8s.io/v1/EndpointSlice";
import type { INode } from "kubernetes-models/v1/Node";
import type { KubeObject } from "#api/kinds/object.ts";
import { serviceSelects } from "#kube/selector.ts";
import { watchCache } from "../machinery/cache.ts";
import { coreV1, type ResourceType } from "../machinery/resources.ts";
import type { Pod, Service } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { controllerReference, isControlledBy, keyOf, splitKey } from "./owners.ts";
import { isReady } from "./pods.ts";
import { WorkQueue } from "./work-queue.ts";

export type EndpointSlice = IEndpointSlice & KubeObject;

export const sliceType: ResourceType = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
const MANAGED_BY = "endpointslice-controller.k8s.io";
/** As real Kubernetes: slices of at most a hundred endpoints. */
const MAX_ENDPOINTS = 100;

/** Writes the pods behind each Service into EndpointSlices. */
export function startEndpointSlices(context: ControllerContext): Controller {
  const { resources, clock, logger } = context;
  const services = watchCache<Service>(resources, coreV1("services"));
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const nodes = watchCache<INode & KubeObject>(resources, coreV1("nodes"));
  const slices = watchCache<EndpointSlice>(resources, sliceType);
  const queue = new WorkQueue({ name: "endpointslice", clock, logger, reconcile });

  services.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  pods.onChange(({ before, after }) => {
    for (const pod of [before, after]) {
      if (pod === undefined) continue;
      for (const service of services.all())
        if (
          service.metadata.namespace === pod.metadata.namespace &&
          serviceSelects(service.spec?.selector, pod.metadata.labels)
        )
          queue.add(keyOf(service));
    }
  });
  slices.onChange(({ before, after }) => {
    const slice = (after ?? before)!;
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (service !== undefined && slice.metadata.labels?.["endpointslice.kubernetes.io/managed-by"] === MANAGED_BY)
      queue.add(`${slice.metadata.namespace}/${service}`);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([services.synced, pods.synced, nodes.synced, slices.synced]);
    const { namespace, name } = splitKey(key);
    const service = services.get(namespace, name);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return; // the garbage collector takes them
    if (Object.keys(service.spec?.selector ?? {}).length === 0 || service.spec?.type === "ExternalName") return;
    const selected = [...pods.all()].filter(
      (pod) => pod.metadata.namespace === namespace && serviceSelects(service.spec?.selector, pod.metadata.labels),
    );
    const zoneOf = (node: string): string | undefined =>
      nodes.get("", node)?.metadata.labels?.["topology.kubernetes.io/zone"];
    const wanted = slicesOf(service, selected, zoneOf);
    const existing = [...slices.all()].filter((slice) => isControlledBy(slice, service));
    await Promise.all(
      wanted.map((slice, index) => {
        const before = existing[index];
        if (before === undefined) return resources.create<EndpointSlice>(sliceType, slice);
        const { endpoints = [], ports, addressType } = slice;
        const labels = slice.metadata.labels ?? {};
        const same =
          isDeepStrictEqual([before.endpoints, before.ports, before.addressType], [endpoints, ports, addressType]) &&
          isDeepStrictEqual(before.metadata.labels, labels);
        return same
          ? undefined
          : resources.update<EndpointSlice>(sliceType, {
              ...before,
              endpoints,
              ports: ports ?? [],
              metadata: { ...before.metadata, labels },
            });
      }),
    );
    await Promise.all(
      existing.slice(wanted.length).map((slice) => resources.delete(sliceType, namespace, slice.metadata.name ?? "")),
    );
  }

  return {
    stop: () => {
      queue.stop();
      for (const cache of [services, pods, nodes, slices]) cache.close();
    },
  };
}

/** The slices of a Service; pods whose named ports have different numbers stand in different slices. */
export function slicesOf(
  service: Service,
  pods: readonly Pod[],
  zoneOf: (node: string) => string | undefined,
): readonly EndpointSlice[] {
  const groups = new Map<string, { ports: NonNullable<IEndpointSlice["ports"]>; endpoints: IEndpoint[] }>();
  for (const pod of pods.toSorted((a, b) => (a.metadata.name ?? "").localeCompare(b.metadata.name ?? ""))) {
    const endpoint = endpointOf(service, pod, zoneOf);
    if (endpoint === undefined) continue;
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  // A Service without pods has one empty slice, so that those who watch know that it was looked at.
  if (groups.size === 0) groups.set("", { ports: [], endpoints: [] });
  return [...groups.values()].flatMap(({ ports, endpoints }) => {
    const chunks = Math.max(1, Math.ceil(endpoints.length / MAX_ENDPOINTS));
    return Array.from({ length: chunks }, (_, index) =>
      newSlice(service, ports, endpoints.slice(index * MAX_ENDPOINTS, (index + 1) * MAX_ENDPOINTS)),
    );
  });
}

function newSlice(
  service: Service,
  ports: NonNullable<IEndpointSlice["ports"]>,
  endpoints: IEndpoint[],
): EndpointSlice {
  const headless = service.spec?.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace ?? "default",
      labels: {
        ...service.metadata.labels,
        ...headless,
        "kubernetes.io/service-name": service.metadata.name ?? "",
        "endpointslice.kubernetes.io/managed-by": MANAGED_BY,
      },
      ownerReferences: [controllerReference(service)],
    },
    addressType: "IPv4",
    endpoints,
    ports,
  };
}

function endpointOf(service: Service, pod: Pod, zoneOf: (node: string) => string | undefined): IEndpoint | undefined {
  const { podIP, phase } = pod.status ?? {};
  if (podIP === undefined || podIP === "" || phase === "Succeeded" || phase === "Failed") return undefined;
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const { nodeName } = pod.spec ?? {};
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
  const { namespace = "", name = "", uid = "" } = pod.metadata;
  return {
    addresses: [podIP],
    conditions: {
      ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(pod.spec?.hostname !== undefined &&
      pod.spec.subdomain === service.metadata.name && { hostname: pod.spec.hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function portsOf(service: Service, pod: Pod): NonNullable<IEndpointSlice["ports"]> {
  return (service.spec?.ports ?? []).flatMap(({ name, port, targetPort, protocol = "TCP", appProtocol }) => {
    const number = typeof targetPort === "string" ? containerPort(pod, targetPort, protocol) : (targetPort ?? port);
    if (number === undefined) return [];
    return [{ name: name ?? "", port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function containerPort(pod: Pod, name: string, protocol: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  // Native sidecars are init containers that stay: their ports count.
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always"),
  ];
  return containers
    .flatMap((container) => container.ports ?? [])
    .find((port) => port.name === name && (port.protocol ?? "TCP") === protocol)?.containerPort;
}
