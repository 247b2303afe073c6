import type { Registry } from "./registry.ts";

/** What the process takes, under the names that Prometheus' client libraries have for it. Returns how to stop. */
export function collectProcessUse(registry: Registry): () => void {
  return registry.collect((write) => {
    const { user, system } = process.cpuUsage();
    write("process_cpu_seconds_total", "Processor time used", [], (user + system) / 1e6);
    write("process_resident_memory_bytes", "Resident memory", [], process.memoryUsage.rss());
  });
}
