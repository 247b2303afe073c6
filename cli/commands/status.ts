import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import type { ClusterStatus } from "#api/rpc/cluster.ts";
import type { MeshStatus } from "#api/rpc/telemetry.ts";
import { connectHost } from "../host-process.ts";
import { first } from "../rpc-client.ts";

export function addStatus(program: Command): void {
  program
    .command("status")
    .description("show what runs: provider, kubeconfig, interface, processes, mesh")
    .option("-o, --output <format>", "json for machines")
    .action(async (options: { output?: string }) => {
      const host = await connectHost().catch((error: unknown) => {
        if (error instanceof AppError && error.code === "NOT_RUNNING" && options.output === "json") return undefined;
        throw error;
      });
      if (host === undefined) {
        console.log(JSON.stringify({ running: false }));
        process.exitCode = 3;
        return;
      }
      try {
        const [cluster, mesh, info] = await Promise.all([
          first(host.rpc.stream("cluster.status", {})),
          first(host.rpc.stream("mesh.status", {})),
          host.rpc.call("app.info", {}),
        ]);
        const address = `${host.instance.url}#token=${host.instance.token}`;
        if (options.output === "json") {
          const { phase, provider, name, kubeconfig, kubernetesVersion, memoryBytes, pods, error } = cluster;
          const processes = { host: host.instance.pid, cluster: info.clusterPid };
          console.log(
            JSON.stringify(
              {
                running: true,
                phase,
                provider,
                name,
                kubernetesVersion,
                kubeconfig,
                interface: address,
                shop: info.shopUrl,
                processes,
                memoryBytes,
                pods,
                mesh: synced(mesh),
                error,
              },
              null,
              2,
            ),
          );
        } else {
          for (const [name, value] of rows(cluster, { mesh, address, pid: host.instance.pid, shopUrl: info.shopUrl }))
            console.log(`${name.padEnd(11)} ${value}`);
        }
      } finally {
        host.rpc.close();
      }
    });
}

function synced(mesh: MeshStatus): { readonly synced: number; readonly proxies: number } {
  const inSync = mesh.proxies.filter((proxy) =>
    Object.values(proxy.types).every((state) => state === "SYNCED" || state === "NOT SENT"),
  );
  return { synced: inSync.length, proxies: mesh.proxies.length };
}

function rows(
  cluster: ClusterStatus,
  more: {
    readonly mesh: MeshStatus;
    readonly address: string;
    readonly pid: number;
    readonly shopUrl: string | undefined;
  },
): readonly (readonly [string, string])[] {
  const { synced: inSync, proxies } = synced(more.mesh);
  const megabytes = cluster.memoryBytes === undefined ? "" : `, ${Math.round(cluster.memoryBytes / 1e6)} MB`;
  return [
    ["cluster", `${cluster.provider} "${cluster.name}": ${cluster.phase}${megabytes}`],
    ...(cluster.error === undefined ? [] : [["error", cluster.error.message] as const]),
    ["kubernetes", cluster.kubernetesVersion ?? "-"],
    ["kubeconfig", cluster.kubeconfig ?? "-"],
    ["pods", cluster.pods === undefined ? "-" : `${cluster.pods.ready} of ${cluster.pods.total} ready`],
    ["mesh", `${inSync} of ${proxies} proxies in sync`],
    ["interface", more.address],
    ["shop", more.shopUrl ?? "-"],
    ["process", String(more.pid)],
  ];
}
