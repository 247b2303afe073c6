import { stringify } from "yaml";
import type { ClusterCertificates } from "./certificates.ts";

/** The kubeconfig of the cluster's administrator, as YAML; `server` is a URL. */
export function kubeconfigOf(server: string, { ca, admin }: ClusterCertificates): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "slipway", cluster: { server, "certificate-authority-data": base64(ca) } }],
    users: [
      {
        name: "slipway",
        user: { "client-certificate-data": base64(admin.cert), "client-key-data": base64(admin.key) },
      },
    ],
    contexts: [{ name: "slipway", context: { cluster: "slipway", user: "slipway" } }],
    "current-context": "slipway",
  });
}
