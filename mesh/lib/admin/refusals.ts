import type { Registry } from "../metrics/registry.ts";

export interface RefusalLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Counts and logs callers from other pods who ask for what is answered only inside the pod. */
export function refusals(registry: Registry, log: RefusalLog): (path: string, remoteAddress: string) => void {
  const counter = registry.counter("slipway_admin_refused_total", "Requests of other pods for what is local only", []);
  return (path, from) => {
    counter.value++;
    log.warn({ path, from }, "refused a caller from outside of the pod");
  };
}
