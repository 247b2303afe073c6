import type { Pilot } from "../pilot.ts";
import { xdsTypes } from "../xds/resource.ts";

/** The control plane's own metrics, under Istio's names, in Prometheus' text format. */
export function renderMetrics({ distributor, record, store }: Pilot): string {
  const { failures, lastPushMs } = distributor.metrics;
  const { snapshot } = distributor;
  const { convergence } = record;
  const families = [
    family("pilot_xds", "gauge", "Number of connected proxies.", [["", distributor.sessions.size]]),
    family("pilot_xds_pushes", "counter", "Responses sent to proxies, by type.", [
      ...xdsTypes.map(
        (type) => [`{type="${type.toLowerCase()}"}`, record.pushes.get(type.toLowerCase()) ?? 0] as const,
      ),
    ]),
    family("pilot_total_xds_rejects", "counter", "Responses that proxies refused, by type.", [
      ...xdsTypes.map(
        (type) => [`{type="${type.toLowerCase()}"}`, record.rejects.get(type.toLowerCase()) ?? 0] as const,
      ),
    ]),
    family("pilot_total_xds_internal_errors", "counter", "Configurations that could not be built.", [["", failures]]),
    family("pilot_services", "gauge", "Services known.", [["", snapshot?.services.size ?? 0]]),
    family("pilot_virt_services", "gauge", "VirtualServices known.", [["", snapshot?.virtualServices.length ?? 0]]),
    family("pilot_config_problems", "gauge", "Objects that could not be read.", [["", store.problems.length]]),
    family("pilot_last_push_seconds", "gauge", "Time that the last snapshot took to build for all proxies.", [
      ["", lastPushMs / 1000],
    ]),
    family("pilot_proxy_convergence_time", "histogram", "Seconds from a change to its acknowledgement by a proxy.", [
      ...convergence.bounds.map((bound, index) => [`_bucket{le="${bound}"}`, convergence.counts[index] ?? 0] as const),
      ['_bucket{le="+Inf"}', convergence.count],
      ["_sum", convergence.sum],
      ["_count", convergence.count],
    ]),
  ];
  return `${families.join("\n")}\n`;
}

function family(name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): string {
  const lines = samples.map(([suffix, value]) => `${name}${suffix} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}
