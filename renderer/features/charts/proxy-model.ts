import type { ProxyUse, ProxyUsePoint } from "#api/rpc/telemetry.ts";

/** Proxies that are drawn as one line. */
export interface ProxyGroup {
  readonly key: string;
  /** As people call them. */
  readonly name: string;
  readonly color: string;
}

const colors: readonly string[] = ["var(--v1)", "var(--v2)", "var(--v3)", "var(--accent)"];
const order: readonly ProxyUse["role"][] = ["sidecar", "ztunnel", "waypoint", "gateway"];

const keyOf = ({ role, namespace }: ProxyUse): string => `${role} ${namespace}`;

const nameOf = ({ role, namespace }: ProxyUse): string => {
  switch (role) {
    case "ztunnel":
      return "ztunnel";
    case "gateway":
      return "gateways";
    case "waypoint":
      return `waypoints of ${namespace}`;
    case "sidecar":
      return `sidecars of ${namespace}`;
  }
};

/** The groups that were seen in these seconds: sidecars first, the ztunnel beside them. */
export function groupsOf(points: readonly ProxyUsePoint[]): readonly ProxyGroup[] {
  const seen = new Map<string, ProxyUse>();
  for (const { uses } of points) for (const use of uses) if (!seen.has(keyOf(use))) seen.set(keyOf(use), use);
  return [...seen.values()]
    .toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || (a.namespace < b.namespace ? -1 : 1))
    .map((use, index) => ({ key: keyOf(use), name: nameOf(use), color: colors[index % colors.length] ?? "" }));
}

/** What a group took in one second. */
export const takenBy = (point: ProxyUsePoint, group: ProxyGroup): ProxyUse | undefined =>
  point.uses.find((use) => keyOf(use) === group.key);

export interface GroupSummary {
  readonly proxies: number;
  readonly memoryBytes: number;
  readonly processors: number;
}

/** A group over some seconds: as many proxies as in the end, the rest on average. Undefined where none was there. */
export function summarizeGroup(points: readonly ProxyUsePoint[], group: ProxyGroup): GroupSummary | undefined {
  const uses = points.flatMap((point) => takenBy(point, group) ?? []);
  const last = uses.at(-1);
  if (last === undefined) return undefined;
  const average = (of: (use: ProxyUse) => number): number => uses.reduce((sum, use) => sum + of(use), 0) / uses.length;
  return {
    proxies: last.proxies,
    memoryBytes: average(({ memoryBytes }) => memoryBytes),
    processors: average(({ processors }) => processors),
  };
}
