import { parse } from "yaml";
import { annotations, ports } from "#api/names.ts";
import { annotation, label, type PodDraft } from "./pod.ts";
import type { InjectionSettings, ProxyResources } from "./settings.ts";

/** An annotation that cannot be understood; the pod is refused with this message. */
export class AnnotationError extends Error {
  override readonly name = "AnnotationError";
}

/** What a pod's annotations ask of its proxy. Names: Istio's reference of resource annotations. */
export interface ProxyOptions {
  readonly image: string;
  readonly proxyConfig: Readonly<Record<string, unknown>>;
  /** Variables of proxyMetadata. */
  readonly proxyMetadata: Readonly<Record<string, string>>;
  readonly holdApplication: boolean;
  readonly native: boolean;
  readonly logLevel: string;
  readonly componentLogLevel: string;
  readonly agentLogLevel: string;
  readonly interceptionMode: string;
  readonly statusPort: number;
  readonly rewriteProbes: boolean;
  readonly readiness: {
    readonly initialDelaySeconds: number;
    readonly periodSeconds: number;
    readonly failureThreshold: number;
  };
  readonly resources: ProxyResources;
}

export function proxyOptions(pod: PodDraft, settings: InjectionSettings): ProxyOptions {
  const said = (name: string): string | undefined => annotation(pod, name);
  const proxyConfig = { ...settings.proxyConfig, ...proxyConfigOf(said(annotations.proxyConfig)) };
  const metadata = proxyConfig.proxyMetadata;
  return {
    image: said("sidecar.istio.io/proxyImage") ?? settings.image,
    proxyConfig,
    proxyMetadata: isRecord(metadata)
      ? Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, String(value)]))
      : {},
    holdApplication: proxyConfig.holdApplicationUntilProxyStarts !== false,
    native: flag(said("sidecar.istio.io/nativeSidecar"), settings.nativeSidecars),
    logLevel: said("sidecar.istio.io/logLevel") ?? "warning",
    componentLogLevel: said("sidecar.istio.io/componentLogLevel") ?? "misc:error",
    agentLogLevel: said("sidecar.istio.io/agentLogLevel") ?? "default:info",
    interceptionMode: said(annotations.interceptionMode) ?? "REDIRECT",
    statusPort: number(pod, "status.sidecar.istio.io/port", ports.agentStatus),
    rewriteProbes: flag(said("sidecar.istio.io/rewriteAppHTTPProbers"), true),
    readiness: {
      initialDelaySeconds: number(pod, "readiness.status.sidecar.istio.io/initialDelaySeconds", 0),
      periodSeconds: number(pod, "readiness.status.sidecar.istio.io/periodSeconds", 15),
      failureThreshold: number(pod, "readiness.status.sidecar.istio.io/failureThreshold", 4),
    },
    resources: resourcesOf(said, settings.resources),
  };
}

function proxyConfigOf(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined || text.trim() === "") return {};
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new AnnotationError(
      `annotation ${annotations.proxyConfig} is not YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isRecord(value))
    throw new AnnotationError(
      `annotation ${annotations.proxyConfig} must hold fields of ProxyConfig, not ${typeof value}`,
    );
  return value;
}

function resourcesOf(said: (name: string) => string | undefined, standard: ProxyResources): ProxyResources {
  return {
    requests: {
      cpu: said("sidecar.istio.io/proxyCPU") ?? standard.requests.cpu,
      memory: said("sidecar.istio.io/proxyMemory") ?? standard.requests.memory,
    },
    limits: {
      cpu: said("sidecar.istio.io/proxyCPULimit") ?? standard.limits.cpu,
      memory: said("sidecar.istio.io/proxyMemoryLimit") ?? standard.limits.memory,
    },
  };
}

function number(pod: PodDraft, name: string, standard: number): number {
  const text = annotation(pod, name);
  if (text === undefined) return standard;
  if (/^\d+$/.test(text)) return Number(text);
  throw new AnnotationError(`annotation ${name} must be a whole number, not "${text}"`);
}

const flag = (text: string | undefined, standard: boolean): boolean =>
  text === undefined ? standard : text === "true";

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Templates that a pod asks for; a gateway's Deployment asks for "gateway". */
export function templatesOf(pod: PodDraft): readonly string[] {
  const text = annotation(pod, "inject.istio.io/templates") ?? label(pod, "inject.istio.io/templates") ?? "sidecar";
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => name !== "sidecar" && name !== "gateway");
  if (unknown !== undefined)
    throw new AnnotationError(
      `annotation inject.istio.io/templates asks for "${unknown}"; there are sidecar and gateway`,
    );
  return names;
}
