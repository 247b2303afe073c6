import type { IPod } from "kubernetes-models/v1/Pod";
import { labels, meshController } from "#api/names.ts";
import type { ProxyRole, ProxyUse, ProxyUsePoint } from "#api/rpc/telemetry.ts";

/** Two minutes of seconds, the longest window that anything shows. */
const MAX_POINTS = 125;
/** A proxy that was not heard of for longer is not counted. */
const STALE_MS = 3500;

interface Reading {
  readonly time: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

interface Proxy {
  readonly role: ProxyRole;
  readonly namespace: string;
  before: Reading | undefined;
  last: Reading;
}

/** What kind of proxy a pod has. */
export function roleOf({ metadata }: IPod): ProxyRole {
  const own = metadata?.labels ?? {};
  if (own[labels.app] === "ztunnel") return "ztunnel";
  if (own[labels.gatewayManaged] === meshController) return "waypoint";
  return own.istio?.endsWith("gateway") === true ? "gateway" : "sidecar";
}

/** Memory and processor time of all proxies by their own account, a point a second. */
export class ProxyUseHistory {
  readonly #proxies = new Map<string, Proxy>();
  readonly #points: ProxyUsePoint[] = [];

  /** A reading of a proxy's metrics, in Prometheus' text format. */
  add(pod: IPod, text: string, time: number): void {
    const cpuSeconds = readingOf(text, "process_cpu_seconds_total");
    const memoryBytes = readingOf(text, "process_resident_memory_bytes");
    if (cpuSeconds === undefined || memoryBytes === undefined) return;
    const key = pod.metadata?.uid ?? "";
    const last = { time, cpuSeconds, memoryBytes };
    const known = this.#proxies.get(key);
    if (known === undefined)
      this.#proxies.set(key, { role: roleOf(pod), namespace: pod.metadata?.namespace ?? "", before: undefined, last });
    else [known.before, known.last] = [known.last, last];
  }

  /** Ends a second: sums up what was read. */
  tick(now: number): void {
    const uses = new Map<string, ProxyUse>();
    for (const [key, { role, namespace, before, last }] of this.#proxies) {
      if (now - last.time > STALE_MS) {
        this.#proxies.delete(key);
        continue;
      }
      const group = `${role} ${namespace}`;
      const sum = uses.get(group) ?? { role, namespace, proxies: 0, memoryBytes: 0, processors: 0 };
      uses.set(group, {
        ...sum,
        proxies: sum.proxies + 1,
        memoryBytes: sum.memoryBytes + last.memoryBytes,
        processors: sum.processors + processorsBetween(before, last),
      });
    }
    this.#points.push({ time: now, uses: [...uses.values()] });
    if (this.#points.length > MAX_POINTS) this.#points.shift();
  }

  /** Points of the last seconds, oldest first. */
  points(seconds: number): readonly ProxyUsePoint[] {
    return this.#points.slice(-seconds);
  }
}

/** Processors that were busy on average between two readings: 1 is one of them all the time. */
function processorsBetween(before: Reading | undefined, last: Reading): number {
  if (before === undefined || last.time <= before.time || last.cpuSeconds < before.cpuSeconds) return 0;
  return ((last.cpuSeconds - before.cpuSeconds) * 1000) / (last.time - before.time);
}

function readingOf(text: string, name: string): number | undefined {
  const start = text.indexOf(`\n${name} `);
  if (start === -1) return undefined;
  const value = Number.parseFloat(text.slice(start + name.length + 2));
  return Number.isNaN(value) ? undefined : value;
}
