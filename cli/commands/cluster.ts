import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import type { ClusterSummary } from "#api/rpc/cluster.ts";
import { mergeKubeconfig, unmergeKubeconfig } from "#kube/kubeconfig-merge.ts";
import { addDefinitionOptions, type ClusterOptions, definitionOf } from "../cluster-options.ts";
import type { RunningHost } from "../host-process.ts";
import { interruptSignal } from "../interrupt.ts";
import { followStart } from "../progress.ts";
import { first } from "../rpc-client.ts";
import { table } from "../table.ts";
import { withHost } from "../with-host.ts";

const header = ["", "NAME", "PROVIDER", "PHASE", "KUBERNETES", "NODES", "PODS", "MEMORY"];

export function addCluster(program: Command): void {
  const cluster = program.command("cluster").description("the clusters of this machine: several may run side by side");

  cluster
    .command("list")
    .description("all clusters, with what runs; the labs are on the marked one")
    .option("-o, --output <format>", "json for machines")
    .action((options: { output?: string }) =>
      withHost(async ({ rpc }) => {
        const { clusters } = await first(rpc.stream("clusters", {}));
        if (options.output === "json") console.log(JSON.stringify(clusters, null, 2));
        else console.log(table(header, clusters.map(row)));
      }),
    );

  addDefinitionOptions(cluster.command("create <name>").description("make a cluster, with the mesh and the shop in it"))
    .option("--no-start", "only keep its definition")
    .action((name: string, options: ClusterOptions & { start: boolean }) =>
      withHost(async (host) => {
        const definition = await definitionOf(name, { ...options, provider: options.provider ?? "kind" });
        await host.rpc.call("cluster.create", { definition });
        if (options.start) await start(host, name);
        else console.log(`Kept. Start it with: slipway cluster start ${name}`);
      }),
    );

  cluster
    .command("start <name>")
    .description("start a cluster beside those that run")
    .action((name: string) => withHost((host) => start(host, name)));

  cluster
    .command("stop <name>")
    .description("stop a cluster; its state is kept")
    .action((name: string) =>
      withHost(async ({ rpc }) => {
        await rpc.call("cluster.stop", { name });
        console.log("Stopped.");
      }),
    );

  cluster
    .command("use <name>")
    .description("make a cluster the one that labs, views and the other commands work on")
    .action((name: string) =>
      withHost(async ({ rpc }) => {
        await rpc.call("cluster.select", { name });
        console.log(`Labs are on "${name}" now.`);
      }),
    );

  cluster
    .command("kubeconfig <name>")
    .description("where the kubeconfig of a running cluster lies; your own is not touched unless you say so")
    .option("--merge", "also put it into your own kubeconfig, as the context slipway-<name>")
    .action((name: string, { merge = false }: { merge?: boolean }) =>
      withHost(async ({ rpc }) => {
        const { kubeconfig } = await first(rpc.stream("cluster.status", { name }));
        if (kubeconfig === undefined)
          throw new AppError("NOT_RUNNING", `the cluster "${name}" does not run`, {
            hint: `Start it: slipway cluster start ${name}`,
          });
        if (!merge) return console.log(kubeconfig);
        const own = ownKubeconfig();
        await mergeKubeconfig(kubeconfig, own, contextName(name));
        console.log(
          `${own} has the context ${contextName(name)} now: kubectl --context ${contextName(name)} get nodes`,
        );
      }),
    );

  cluster
    .command("delete <name>")
    .description("delete a cluster, everything in it and your progress on it")
    .action((name: string) =>
      withHost(async ({ rpc }) => {
        await rpc.call("cluster.delete", { name });
        await unmergeKubeconfig(ownKubeconfig(), contextName(name));
        console.log("Deleted.");
      }),
    );
}

const contextName = (cluster: string): string => `slipway-${cluster}`;

/** The file that kubectl would write to. */
const ownKubeconfig = (): string =>
  (process.env.KUBECONFIG ?? "").split(delimiter).find(Boolean) ?? join(homedir(), ".kube/config");

async function start({ rpc }: RunningHost, name: string): Promise<void> {
  const signal = interruptSignal();
  await rpc.call("cluster.start", { name });
  try {
    const { kubeconfig } = await followStart(rpc, { signal, quiet: false, cluster: name });
    console.log(`Ready.\n  kubeconfig  ${kubeconfig}\nPut the labs on it with: slipway cluster use ${name}`);
  } catch (error) {
    if (signal.aborted) {
      await rpc.call("cluster.cancel", { name });
      throw new AppError("CANCELLED", "the start was cancelled");
    }
    throw error;
  }
}

function row({ name, provider, phase, current, ...more }: ClusterSummary): readonly string[] {
  const { kubernetesVersion = "-", nodes, pods, memoryBytes } = more;
  return [
    current ? "*" : "",
    name,
    provider,
    phase,
    kubernetesVersion,
    nodes === undefined ? "-" : `${nodes.filter(({ ready }) => ready).length}/${nodes.length}`,
    pods === undefined ? "-" : `${pods.ready}/${pods.total}`,
    memoryBytes === undefined ? "-" : `${Math.round(memoryBytes / 1e6)} MB`,
  ];
}
