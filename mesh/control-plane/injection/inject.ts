import { annotations, labels, ports } from "#api/names.ts";
import { reasonToSkip } from "./decide.ts";
import { initContainer } from "./init-container.ts";
import { byKey, overlayContainer } from "./overlay.ts";
import { applicationContainers, type Container, INIT_CONTAINER, type PodDraft, PROXY_CONTAINER } from "./pod.ts";
import { type AgentProbe, rewriteProbes } from "./probes.ts";
import { asFirstContainer, asNativeSidecar, proxyContainer } from "./proxy-container.ts";
import { type ProxyOptions, proxyOptions, templatesOf } from "./proxy-options.ts";
import type { InjectionSettings } from "./settings.ts";
import { proxyVolumes } from "./volumes.ts";
import { canonicalLabels, workloadOf } from "./workload.ts";

export type Injection =
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "injected"; readonly pod: PodDraft };

export interface InjectionContext {
  readonly namespace: string;
  readonly settings: InjectionSettings;
}

/** Gives a pod its proxy, or says why not. Pure. Throws AnnotationError for annotations that cannot be understood. */
export function injectPod(pod: PodDraft, { namespace, settings }: InjectionContext): Injection {
  const reason = reasonToSkip(pod, namespace);
  if (reason !== undefined) return { kind: "skipped", reason };
  const role = templatesOf(pod).includes("gateway") ? "router" : "sidecar";
  const options = proxyOptions(pod, settings);
  const rewrites = role === "sidecar" && options.rewriteProbes;
  const { containers, agentProbes } = rewrites
    ? rewriteProbes(pod)
    : { containers: pod.spec.containers, agentProbes: noProbes };
  const template = proxyContainer({ pod, namespace, role, options, settings, agentProbes });
  const spec = role === "router" ? gatewaySpec(pod, template) : sidecarSpec({ pod, options, template, containers });
  const withVolumes = { ...spec, volumes: byKey([...proxyVolumes], pod.spec.volumes, "name") };
  return { kind: "injected", pod: { metadata: metadataOf(pod, { settings, role, options, spec }), spec: withVolumes } };
}

const noProbes: Readonly<Record<string, AgentProbe>> = {};

/** A gateway is nothing but a proxy: the template fills in the container that the Deployment left to it. No capture. */
function gatewaySpec({ spec }: PodDraft, template: Container): PodDraft["spec"] {
  const own = spec.containers.find(({ name }) => name === PROXY_CONTAINER);
  const others = spec.containers.filter(({ name }) => name !== PROXY_CONTAINER);
  return { ...spec, containers: [overlayContainer(template, own), ...others] };
}

interface SidecarParts {
  readonly pod: PodDraft;
  readonly options: ProxyOptions;
  readonly template: Container;
  readonly containers: readonly Container[];
}

function sidecarSpec({ pod: { metadata, spec }, options, template, containers }: SidecarParts): PodDraft["spec"] {
  const isProxy = ({ name }: Container): boolean => name === PROXY_CONTAINER;
  const own = spec.containers.find(isProxy) ?? spec.initContainers?.find(isProxy);
  const proxy = overlayContainer(template, own);
  const init = options.interceptionMode === "NONE" ? [] : [initContainer({ metadata, spec }, options)];
  const others = containers.filter((container) => !isProxy(container));
  const otherInits = (spec.initContainers ?? []).filter(
    (container) => !isProxy(container) && container.name !== INIT_CONTAINER,
  );
  // With a native sidecar init containers are in the mesh too; otherwise capture comes last, or they would talk to nobody.
  if (options.native)
    return { ...spec, initContainers: [...init, asNativeSidecar(proxy), ...otherInits], containers: [...others] };
  return {
    ...spec,
    initContainers: [...otherInits, ...init],
    containers: [asFirstContainer(proxy, options.holdApplication), ...others],
  };
}

function metadataOf(
  pod: PodDraft,
  {
    settings,
    role,
    options,
    spec,
  }: {
    readonly settings: InjectionSettings;
    readonly role: "sidecar" | "router";
    readonly options: ProxyOptions;
    readonly spec: PodDraft["spec"];
  },
): PodDraft["metadata"] {
  const [main] = applicationContainers(pod);
  const status = {
    initContainers: added(spec.initContainers, pod.spec.initContainers),
    containers: role === "router" ? [PROXY_CONTAINER] : added(spec.containers, pod.spec.containers),
    volumes: proxyVolumes.map(({ name }) => name),
    imagePullSecrets: null,
    revision: settings.revision,
  };
  const defaults =
    main === undefined
      ? {}
      : {
          "kubectl.kubernetes.io/default-container": main.name,
          "kubectl.kubernetes.io/default-logs-container": main.name,
        };
  return {
    ...pod.metadata,
    labels: {
      ...pod.metadata.labels,
      // A gateway takes what its Gateways say, which is not the mesh's own TLS unless a rule for it says so.
      ...(role === "router" ? {} : { [labels.tlsMode]: pod.metadata.labels?.[labels.tlsMode] ?? "istio" }),
      ...canonicalLabels(pod, workloadOf(pod)),
      // By this everybody is told that the sidecar takes tunnels.
      ...(role === "sidecar" && options.proxyMetadata.ISTIO_META_ENABLE_HBONE === "true"
        ? { [labels.tunnel]: pod.metadata.labels?.[labels.tunnel] ?? "http" }
        : {}),
    },
    annotations: {
      ...defaults,
      ...pod.metadata.annotations,
      "istio.io/rev": settings.revision,
      ...(settings.mergePrometheus
        ? {
            "prometheus.io/scrape": "true",
            "prometheus.io/path": "/stats/prometheus",
            "prometheus.io/port": String(ports.agentStatus),
          }
        : {}),
      [annotations.status]: JSON.stringify(status),
    },
  };
}

function added(now: readonly Container[] = [], before: readonly Container[] = []): readonly string[] | null {
  const known = new Set(before.map(({ name }) => name));
  const names = now.map(({ name }) => name).filter((name) => !known.has(name));
  return names.length === 0 ? null : names;
}
