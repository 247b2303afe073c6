import type { ClusterApi } from "../cluster-api.ts";
import type { Measurements } from "../labs/measurements.ts";
import type { Collector } from "../telemetry/collector.ts";
import { isSynced } from "../telemetry/mesh-status.ts";
import type { Generator } from "./generator.ts";

/** What the labs' checks look at, from the running cluster. */
export function createMeasurements(api: ClusterApi, collector: Collector, generator: Generator): Measurements {
  return {
    workload: async (namespace, name) => collector.workload(namespace, name),
    exists: async (object) => (await api.get(object)) !== undefined,
    unacknowledged: async () => {
      const { proxies } = await collector.readAcknowledgements();
      const behind = proxies.filter((proxy) => !isSynced(proxy));
      return {
        proxies: proxies.length,
        behind: behind.map(({ id, rejected }) => ({ id, why: rejected ?? "not acknowledged yet" })),
      };
    },
    probe: (request, options) => generator.probe(request, options),
    edges: (windowSeconds) => collector.edges(windowSeconds),
  };
}
