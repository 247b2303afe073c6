import type { IPod } from "kubernetes-models/v1/Pod";
import { annotations, labels } from "#api/names.ts";

export type Enrolment = { readonly enrolled: true } | { readonly enrolled: false; readonly reason: string };

const SIDECAR = "istio-proxy";
const no = (reason: string): Enrolment => ({ enrolled: false, reason });

/**
 * Whether a pod is to be captured: its own label, else its namespace's, says so; pods with a proxy of their own and pods on the
 * node's network never are. Source: Istio's documentation of istio.io/dataplane-mode. Pure.
 */
export function decideEnrolment(pod: IPod, namespaceLabels: Readonly<Record<string, string>>): Enrolment {
  const { metadata = {}, spec, status } = pod;
  const mode = metadata.labels?.[labels.dataplaneMode] ?? namespaceLabels[labels.dataplaneMode];
  if (mode !== "ambient") return no(`neither the pod nor its namespace has ${labels.dataplaneMode}=ambient`);
  if (metadata.annotations?.[annotations.redirection] === "disabled") return no("the pod's annotation refuses it");
  if (spec?.hostNetwork === true) return no("the pod uses the network of its node");
  const hasProxy = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ name }) => name === SIDECAR);
  if (hasProxy || metadata.annotations?.[annotations.status] !== undefined) return no("the pod has a proxy of its own");
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return no("the pod has ended");
  if (!status?.podIP) return no("the pod has no address yet");
  return { enrolled: true };
}

/** Whether a pod's DNS questions are led to the proxy: as its annotation says, else as the installation does. */
export function capturesDns({ metadata }: IPod, fallback: boolean): boolean {
  switch (metadata?.annotations?.[annotations.dnsCapture]) {
    case "true":
      return true;
    case "false":
      return false;
    default:
      return fallback;
  }
}

/** Ports that the kubelet asks with its probes; a name is looked up among the container's ports. */
export function probedPorts({ spec }: IPod): ReadonlySet<number> {
  const found = new Set<number>();
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? probe?.grpc?.port;
      const named = container.ports?.find(({ name }) => name === port)?.containerPort;
      const number = named ?? Number(port);
      if (Number.isInteger(number)) found.add(number);
    }
  }
  return found;
}
