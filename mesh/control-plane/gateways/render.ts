import { labels, ports } from "#api/names.ts";
import type { Container, PodDraft } from "../injection/pod.ts";
import { proxyContainer } from "../injection/proxy-container.ts";
import { proxyOptions } from "../injection/proxy-options.ts";
import type { InjectionSettings } from "../injection/settings.ts";
import { proxyVolumes } from "../injection/volumes.ts";
import type { GatewayClassInfo } from "./classes.ts";
import type { DeploymentObject, GatewayObject, ServiceAccountObject, ServiceObject } from "./objects.ts";

/** What a Gateway becomes. All of it belongs to the Gateway and goes with it. */
export interface GatewayObjects {
  readonly serviceAccount: ServiceAccountObject;
  readonly deployment: DeploymentObject;
  readonly service: ServiceObject;
}

type Labels = Readonly<Record<string, string>>;

/** Annotation that chooses another type of Service than the class's. Source: Istio's Gateway API documentation. */
const SERVICE_TYPE = "networking.istio.io/service-type";
const PRIVATE_ANNOTATIONS = ["kubectl.kubernetes.io/last-applied-configuration"];

/** Name of the objects that are made for a Gateway. */
export const nameOf = ({ metadata }: GatewayObject, { suffix }: GatewayClassInfo): string =>
  `${metadata.name ?? ""}${suffix}`;

/** Renders the objects of a Gateway. Pure: the same Gateway and settings give the same objects. */
export function renderGateway(
  gateway: GatewayObject,
  info: GatewayClassInfo,
  settings: InjectionSettings,
): GatewayObjects {
  const namespace = gateway.metadata.namespace ?? "";
  const name = nameOf(gateway, info);
  const metadata = {
    name,
    namespace,
    labels: {
      ...infrastructureLabels(gateway),
      ...gatewayLabels(gateway, info),
      [labels.gatewayManaged]: info.managed,
    },
    annotations: { ...infrastructureAnnotations(gateway) },
    ownerReferences: [
      {
        apiVersion: gateway.apiVersion,
        kind: "Gateway",
        name: gateway.metadata.name ?? "",
        uid: gateway.metadata.uid ?? "",
      },
    ],
  };
  const selector = { [labels.gatewayName]: gateway.metadata.name ?? "" };
  return {
    serviceAccount: { apiVersion: "v1", kind: "ServiceAccount", metadata },
    deployment: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      // How many there are is left to whoever scales it.
      spec: { selector: { matchLabels: selector }, template: podTemplate(gateway, info, settings) },
    },
    service: {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { type: serviceType(gateway, info), selector, ports: servicePorts(gateway) },
    },
  };
}

const gatewayLabels = ({ metadata }: GatewayObject, info: GatewayClassInfo): Labels => ({
  [labels.gatewayName]: metadata.name ?? "",
  [labels.gatewayClassName]: info.name,
});

/** Where the Gateway says nothing of its infrastructure, its own labels and annotations are meant for it. Source: Istio. */
const infrastructureLabels = ({ spec, metadata }: GatewayObject): Labels =>
  spec.infrastructure === undefined ? (metadata.labels ?? {}) : (spec.infrastructure.labels ?? {});

function infrastructureAnnotations({ spec, metadata }: GatewayObject): Labels {
  const all = spec.infrastructure === undefined ? metadata.annotations : spec.infrastructure.annotations;
  return Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => !PRIVATE_ANNOTATIONS.includes(name)));
}

const serviceTypes = ["ClusterIP", "NodePort", "LoadBalancer"] as const;

const serviceType = ({ metadata }: GatewayObject, info: GatewayClassInfo): (typeof serviceTypes)[number] =>
  serviceTypes.find((type) => type === metadata.annotations?.[SERVICE_TYPE]) ?? info.serviceType;

function servicePorts({ spec }: GatewayObject) {
  const listeners = (spec.listeners ?? []).map(({ name, port, protocol }) => ({
    name,
    port,
    protocol: "TCP" as const,
    appProtocol: protocol.toLowerCase(),
  }));
  const status = { name: "status-port", port: ports.health, protocol: "TCP" as const, appProtocol: "tcp" };
  const unique = new Map([status, ...listeners].map((one) => [one.port, one]));
  return [...unique.values()];
}

function podTemplate(gateway: GatewayObject, info: GatewayClassInfo, settings: InjectionSettings): PodDraft {
  const name = nameOf(gateway, info);
  const draft: PodDraft = {
    metadata: {
      annotations: infrastructureAnnotations(gateway),
      // By this the proxy learns which workload it is of.
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid: "", controller: true }],
    },
    spec: { containers: [] },
  };
  return {
    metadata: {
      labels: {
        [labels.inject]: "false",
        [labels.dataplaneMode]: "none",
        [labels.canonicalName]: name,
        [labels.canonicalRevision]: "latest",
        ...infrastructureLabels(gateway),
        ...gatewayLabels(gateway, info),
        [labels.gatewayManaged]: info.managed,
      },
      annotations: {
        ...infrastructureAnnotations(gateway),
        "istio.io/rev": settings.revision,
        "prometheus.io/path": "/stats/prometheus",
        "prometheus.io/port": String(ports.agentStatus),
        "prometheus.io/scrape": "true",
      },
    },
    spec: {
      serviceAccountName: name,
      containers: [withProbes(containerOf(draft, gateway, { info, settings }))],
      volumes: [...proxyVolumes],
    },
  };
}

const containerOf = (
  draft: PodDraft,
  { metadata }: GatewayObject,
  { info, settings }: { readonly info: GatewayClassInfo; readonly settings: InjectionSettings },
): Container =>
  proxyContainer({
    pod: draft,
    namespace: metadata.namespace ?? "",
    role: info.role,
    options: proxyOptions(draft, settings),
    settings,
    agentProbes: {},
  });

/** Ready within a second of being so, however long it may take to start. */
function withProbes(container: Container): Container {
  const httpGet = { path: "/healthz/ready", port: ports.health };
  return {
    ...container,
    ports: [
      { containerPort: ports.agentStatus, name: "metrics", protocol: "TCP" },
      { containerPort: ports.health, name: "status-port", protocol: "TCP" },
      ...(container.ports ?? []),
    ],
    startupProbe: { httpGet, initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 30 },
  };
}
