import { availableParallelism, totalmem } from "node:os";
import type { IResourceFieldSelector } from "kubernetes-models/v1/ResourceFieldSelector";
import type { Container, Pod } from "./kinds.ts";
import { parseQuantity } from "./quantity.ts";

export interface PodFacts {
  readonly podIp: string;
  readonly hostIp: string;
}

/** The downward API: a field of the pod as text. Throws for a path that the API does not offer. */
export function podField(pod: Pod, path: string, facts: PodFacts): string {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] === "labels" ? "labels" : "annotations"]?.[keyed[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata.name ?? "";
    case "metadata.namespace":
      return pod.metadata.namespace ?? "";
    case "metadata.uid":
      return pod.metadata.uid ?? "";
    case "metadata.labels":
      return keyValueLines(pod.metadata.labels);
    case "metadata.annotations":
      return keyValueLines(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec?.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return facts.podIp;
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostIp;
    default:
      throw new Error(`the downward API has no field ${path}`);
  }
}

/** One `key="escaped value"` a line, sorted, as the kubelet writes labels and annotations. */
function keyValueLines(values: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(values ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** A request or limit of a container in units of the divisor, rounded up. An unset limit is what the node has. */
export function resourceField(pod: Pod, selector: IResourceFieldSelector, container?: Container): string {
  const owner =
    selector.containerName === undefined
      ? container
      : [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
          (one) => one.name === selector.containerName,
        );
  const [kind = "", name = ""] = selector.resource.split(/\.(.*)/s);
  const quantities =
    kind === "limits"
      ? owner?.resources?.limits
      : kind === "requests"
        ? (owner?.resources?.requests ?? owner?.resources?.limits)
        : undefined;
  const divisor = parseQuantity(String(selector.divisor ?? "1")) || 1;
  const amount = quantities?.[name];
  const value = amount === undefined ? (kind === "limits" ? nodeCapacity(name) : 0) : parseQuantity(String(amount));
  return String(Math.ceil(value / divisor));
}

function nodeCapacity(name: string): number {
  switch (name) {
    case "cpu":
      return availableParallelism();
    case "memory":
      return totalmem();
    default:
      return 0;
  }
}
