import { hostCovers } from "../model/host.ts";
import type { OutboundMode, SidecarSpec } from "../model/other-kinds.ts";
import type { Config, ProxyNode, Snapshot } from "../model/snapshot.ts";
import { hasLabels } from "./peer-authentication.ts";

/** The Sidecar in force for a proxy: one that selects it, else its namespace's, else the root namespace's. Source: Istio's Sidecar reference. */
export function sidecarFor(snapshot: Snapshot, proxy: ProxyNode): Config<SidecarSpec> | undefined {
  if (proxy.type !== "sidecar") return undefined;
  const labelsOf = ({ spec }: Config<SidecarSpec>) => spec.workloadSelector?.labels ?? {};
  const isGeneral = (sidecar: Config<SidecarSpec>): boolean => Object.keys(labelsOf(sidecar)).length === 0;
  const own = snapshot.sidecars.filter(({ origin }) => origin.namespace === proxy.namespace);
  return (
    own.find((sidecar) => !isGeneral(sidecar) && hasLabels(proxy.labels, labelsOf(sidecar))) ??
    own.find(isGeneral) ??
    snapshot.sidecars.find((sidecar) => sidecar.origin.namespace === snapshot.mesh.rootNamespace && isGeneral(sidecar))
  );
}

/** What happens to calls that lead to nothing known: the Sidecar's word before the mesh's. */
export function outboundModeOf(snapshot: Snapshot, sidecar: Config<SidecarSpec> | undefined): OutboundMode {
  const own = sidecar?.spec.outboundTrafficPolicy;
  if (own !== undefined) return own.mode ?? "REGISTRY_ONLY";
  return snapshot.mesh.outboundTrafficPolicy.mode ?? "ALLOW_ANY";
}

/** Whether a host of a namespace is among those that a Sidecar imports; everything is where it says nothing of egress. */
export function importsOf(
  sidecar: Config<SidecarSpec> | undefined,
  clientNamespace: string,
): ((host: string, namespace: string) => boolean) | undefined {
  const egress = sidecar?.spec.egress;
  if (egress === undefined || egress.length === 0) return undefined;
  const patterns = egress
    .flatMap(({ hosts }) => hosts ?? [])
    .map((text) => {
      const slash = text.indexOf("/");
      const from = text.slice(0, slash);
      return { namespace: from === "." ? clientNamespace : from, host: text.slice(slash + 1) };
    });
  return (host, namespace) =>
    patterns.some(
      (pattern) =>
        (pattern.namespace === "*" || pattern.namespace === namespace) &&
        (hostCovers(pattern.host, host) || hostCovers(host, pattern.host)),
    );
}
