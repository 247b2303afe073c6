import { PROXY_UID, ports } from "#api/names.ts";
import {
  applicationContainers,
  type Container,
  type EnvVar,
  type PodDraft,
  PROXY_CONTAINER,
  type VolumeMount,
} from "./pod.ts";
import type { AgentProbe } from "./probes.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import type { InjectionSettings } from "./settings.ts";
import { ownerUri, workloadOf } from "./workload.ts";

export interface ProxyContainerContext {
  readonly pod: PodDraft;
  readonly namespace: string;
  readonly role: "sidecar" | "router" | "waypoint";
  readonly options: ProxyOptions;
  readonly settings: InjectionSettings;
  readonly agentProbes: Readonly<Record<string, AgentProbe>>;
}

/** The proxy's container as Istio's injector writes it. */
export function proxyContainer(context: ProxyContainerContext): Container {
  const { role, options, settings } = context;
  return {
    name: PROXY_CONTAINER,
    image: options.image,
    imagePullPolicy: "IfNotPresent",
    args: [
      "proxy",
      role,
      "--domain",
      `$(POD_NAMESPACE).svc.${settings.clusterDomain}`,
      `--proxyLogLevel=${options.logLevel}`,
      `--proxyComponentLogLevel=${options.componentLogLevel}`,
      `--log_output_level=${options.agentLogLevel}`,
    ],
    env: [...environment(context)],
    ports: [{ containerPort: ports.envoyPrometheus, name: "http-envoy-prom", protocol: "TCP" }],
    readinessProbe: {
      httpGet: { path: "/healthz/ready", port: ports.health },
      ...options.readiness,
      timeoutSeconds: 3,
    },
    resources: options.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: PROXY_UID,
      runAsNonRoot: true,
      runAsUser: PROXY_UID,
    },
    volumeMounts: [...volumeMounts],
  };
}

/** As an init container that keeps running: what comes after it waits until it is ready. */
export function asNativeSidecar(container: Container): Container {
  return {
    ...container,
    restartPolicy: "Always",
    startupProbe: {
      httpGet: { path: "/healthz/ready", port: ports.health },
      initialDelaySeconds: 0,
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: 600,
    },
  };
}

/** As the first container: the kubelet starts the next one only when this hook has ended. */
export function asFirstContainer(container: Container, hold: boolean): Container {
  if (!hold) return container;
  return {
    ...container,
    lifecycle: { postStart: { exec: { command: ["pilot-agent", "wait"] } }, ...container.lifecycle },
  };
}

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const text = (name: string, value: string): EnvVar => ({ name, value });

function environment({ pod, namespace, options, settings, agentProbes }: ProxyContainerContext): readonly EnvVar[] {
  const workload = workloadOf(pod);
  const containers = applicationContainers(pod);
  const podPorts = containers
    .flatMap((container) => container.ports ?? [])
    .map(({ containerPort, name, protocol = "TCP" }) => ({
      ...(name === undefined ? {} : { name }),
      containerPort,
      protocol,
    }));
  return [
    text("PILOT_CERT_PROVIDER", "istiod"),
    text("CA_ADDR", settings.discoveryAddress),
    field("POD_NAME", "metadata.name"),
    field("POD_NAMESPACE", "metadata.namespace"),
    field("INSTANCE_IP", "status.podIP"),
    field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    field("HOST_IP", "status.hostIP"),
    {
      name: "ISTIO_CPU_LIMIT",
      valueFrom: { resourceFieldRef: { resource: "limits.cpu", containerName: PROXY_CONTAINER } },
    },
    text("PROXY_CONFIG", JSON.stringify({ discoveryAddress: settings.discoveryAddress, ...options.proxyConfig })),
    text("ISTIO_META_POD_PORTS", JSON.stringify(podPorts)),
    text("ISTIO_META_APP_CONTAINERS", containers.map(({ name }) => name).join(",")),
    text("ISTIO_META_CLUSTER_ID", settings.clusterId),
    field("ISTIO_META_NODE_NAME", "spec.nodeName"),
    text("ISTIO_META_INTERCEPTION_MODE", options.interceptionMode),
    text("ISTIO_META_WORKLOAD_NAME", workload.name),
    text("ISTIO_META_OWNER", ownerUri(workload, namespace)),
    text("ISTIO_META_MESH_ID", settings.meshId),
    text("TRUST_DOMAIN", settings.trustDomain),
    ...(Object.keys(agentProbes).length === 0 ? [] : [text("ISTIO_KUBE_APP_PROBERS", JSON.stringify(agentProbes))]),
    ...prometheusEnvironment(pod, settings),
    ...Object.entries(options.proxyMetadata).map(([name, value]) => text(name, value)),
  ];
}

/** Where the application's own metrics were to be found before the annotations were turned to the agent. */
function prometheusEnvironment(pod: PodDraft, settings: InjectionSettings): readonly EnvVar[] {
  const said = pod.metadata.annotations ?? {};
  if (!settings.mergePrometheus || said["prometheus.io/scrape"] !== "true") return [];
  const where = {
    scrape: "true",
    path: said["prometheus.io/path"] ?? "",
    port: said["prometheus.io/port"] ?? "",
  };
  return [text("ISTIO_PROMETHEUS_ANNOTATIONS", JSON.stringify(where))];
}

const volumeMounts: readonly VolumeMount[] = [
  { name: "workload-socket", mountPath: "/var/run/secrets/workload-spiffe-uds" },
  { name: "credential-socket", mountPath: "/var/run/secrets/credential-uds" },
  { name: "workload-certs", mountPath: "/var/run/secrets/workload-spiffe-credentials" },
  { name: "istiod-ca-cert", mountPath: "/var/run/secrets/istio" },
  { name: "istio-ca-crl", mountPath: "/var/run/secrets/istio/crl" },
  { name: "istio-data", mountPath: "/var/lib/istio/data" },
  { name: "istio-envoy", mountPath: "/etc/istio/proxy" },
  { name: "istio-token", mountPath: "/var/run/secrets/tokens" },
  { name: "istio-podinfo", mountPath: "/etc/istio/pod" },
];
