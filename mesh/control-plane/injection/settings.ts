import { clusterDomain, clusterId, images, namespaces, ports, trustDomain } from "#api/names.ts";

/** What the injector needs to know beside the pod. */
export interface InjectionSettings {
  readonly image: string;
  readonly clusterId: string;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  readonly meshId: string;
  readonly revision: string;
  /** Host and port of the control plane and its CA. */
  readonly discoveryAddress: string;
  /** `defaultConfig` of MeshConfig: what every proxy starts from. */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
  /** Proxies as init containers that keep running (Kubernetes 1.29 and later). */
  readonly nativeSidecars: boolean;
  /** Merge the application's metrics into the proxy's (enablePrometheusMerge). */
  readonly mergePrometheus: boolean;
  readonly resources: ProxyResources;
}

export interface ProxyResources {
  readonly requests: Readonly<Record<"cpu" | "memory", string>>;
  readonly limits: Readonly<Record<"cpu" | "memory", string>>;
}

/** Settings of a lab: requests as in Istio's demo profile, so that many pods fit on a laptop. */
export const defaultSettings: InjectionSettings = {
  image: images.mesh,
  clusterId,
  clusterDomain,
  trustDomain,
  meshId: trustDomain,
  revision: "default",
  discoveryAddress: `istiod.${namespaces.system}.svc:${ports.istiodSecureGrpc}`,
  proxyConfig: {},
  nativeSidecars: true,
  mergePrometheus: true,
  resources: { requests: { cpu: "10m", memory: "40Mi" }, limits: { cpu: "2", memory: "1Gi" } },
};

/** Whether an API server keeps init containers with `restartPolicy: Always` running; they are on by default since 1.29. */
export function supportsNativeSidecars({ major, minor }: { readonly major: string; readonly minor: string }): boolean {
  const number = (text: string): number => Number.parseInt(text, 10) || 0;
  return number(major) > 1 || (number(major) === 1 && number(minor) >= 29);
}
