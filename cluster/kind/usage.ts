import type Docker from "dockerode";
import type { NodeUsage } from "#api/rpc/cluster.ts";
import type { ClusterUsage } from "../provider.ts";
import type { Engine } from "./engine.ts";
import { type KindNode, listNodes } from "./nodes.ts";

/** Processor time that a node had used at some moment, both in nanoseconds. */
interface Sample {
  readonly at: number;
  readonly used: number;
}

/** Asks the engine what the nodes of a cluster use. Processors are counted from one question to the next. */
export function usageOfNodes(engine: Engine, cluster: string): () => Promise<ClusterUsage> {
  let before = new Map<string, Sample>();
  return async () => {
    const nodes = (await listNodes(engine, cluster)).filter(({ running }) => running);
    const now = new Map<string, Sample>();
    const measured = await Promise.all(
      nodes.map(async (node): Promise<readonly [string, NodeUsage]> => {
        const stats = await node.container.stats({ stream: false, "one-shot": true });
        const sample = { at: Date.parse(stats.read) * 1e6, used: stats.cpu_stats.cpu_usage.total_usage };
        now.set(node.id, sample);
        return [node.name, { ...(await memoryOf(node, stats)), cpus: cpusBetween(before.get(node.id), sample) }];
      }),
    );
    before = now;
    const total = measured.reduce((sum, [, { memoryBytes }]) => sum + memoryBytes, 0);
    return { memoryBytes: measured.length === 0 ? undefined : total, nodes: Object.fromEntries(measured) };
  };
}

function cpusBetween(before: Sample | undefined, { at, used }: Sample): number | undefined {
  return before === undefined || at <= before.at ? undefined : Math.max(0, used - before.used) / (at - before.at);
}

/** Without what the kernel could take back at once. */
async function memoryOf(
  { container }: KindNode,
  { memory_stats }: Docker.ContainerStats,
): Promise<Pick<NodeUsage, "memoryBytes" | "memoryLimitBytes">> {
  const { inactive_file, total_inactive_file = inactive_file } = memory_stats.stats ?? {};
  const { HostConfig } = await container.inspect();
  return {
    memoryBytes: (memory_stats.usage ?? 0) - (total_inactive_file ?? 0),
    memoryLimitBytes: HostConfig.Memory === undefined || HostConfig.Memory === 0 ? undefined : HostConfig.Memory,
  };
}
