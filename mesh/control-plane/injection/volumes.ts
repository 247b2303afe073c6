import type { Volume } from "./pod.ts";

/** Twelve hours, as Istio asks for; the kubelet replaces the token long before. */
const TOKEN_SECONDS = 43_200;

/** Volumes of the proxy, named and laid out as Istio's. */
export const proxyVolumes: readonly Volume[] = [
  { name: "workload-socket", emptyDir: {} },
  { name: "credential-socket", emptyDir: {} },
  { name: "workload-certs", emptyDir: {} },
  { name: "istio-envoy", emptyDir: { medium: "Memory" } },
  { name: "istio-data", emptyDir: {} },
  {
    name: "istio-podinfo",
    downwardAPI: {
      items: [
        { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
        { path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } },
      ],
    },
  },
  {
    name: "istio-token",
    projected: {
      sources: [
        { serviceAccountToken: { audience: "istio-ca", expirationSeconds: TOKEN_SECONDS, path: "istio-token" } },
      ],
    },
  },
  { name: "istiod-ca-cert", configMap: { name: "istio-ca-root-cert" } },
  // Need not be there: a mesh of another control plane may have none.
  { name: "istio-ca-crl", configMap: { name: "istio-ca-crl", optional: true } },
];
