import type { PeerAuthenticationSpec } from "../model/other-kinds.ts";
import type { Config, Snapshot } from "../model/snapshot.ts";

export type MtlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

interface Target {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Policy = Config<PeerAuthenticationSpec>;
type Mode = NonNullable<PeerAuthenticationSpec["mtls"]>["mode"];

/**
 * Which mode is in force for a workload's port: port, then workload, namespace, mesh, else PERMISSIVE; UNSET takes over what
 * stands above. Of several policies of one level the oldest counts. Source: Istio's PeerAuthentication reference.
 */
export function mtlsModeOf(snapshot: Snapshot, target: Target): (port: number) => MtlsMode {
  const demandOf = mtlsOf(snapshot, target);
  return (port) => demandOf(port).mode;
}

/** A mode and the policy that sets it; undefined where none does. */
export interface MtlsDemand {
  readonly mode: MtlsMode;
  readonly policy: Policy | undefined;
}

/** Like `mtlsModeOf`, with the policy that decides. */
export function mtlsOf(snapshot: Snapshot, target: Target): (port: number) => MtlsDemand {
  const { peerAuthentications: policies, mesh } = snapshot;
  const meshWide = policies.find((policy) => policy.origin.namespace === mesh.rootNamespace && isGeneral(policy));
  const inNamespace = policies.find((policy) => policy.origin.namespace === target.namespace && isGeneral(policy));
  const own = policies.find((policy) => policy.origin.namespace === target.namespace && selects(policy, target.labels));
  const levels = [own, inNamespace, meshWide].map((policy) => [policy?.spec.mtls?.mode, policy] as const);
  return (port) => first([[own?.spec.portLevelMtls?.[String(port)]?.mode, own], ...levels]);
}

function first(levels: readonly (readonly [Mode, Policy | undefined])[]): MtlsDemand {
  for (const [mode, policy] of levels) if (mode !== undefined && mode !== "UNSET") return { mode, policy };
  return { mode: "PERMISSIVE", policy: undefined };
}

const isGeneral = (policy: Policy): boolean => Object.keys(policy.spec.selector?.matchLabels ?? {}).length === 0;

const selects = (policy: Policy, labels: Readonly<Record<string, string>>): boolean =>
  !isGeneral(policy) && hasLabels(labels, policy.spec.selector?.matchLabels ?? {});

/** Whether all wanted labels are there with these values. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
