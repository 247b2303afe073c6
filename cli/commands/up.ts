import type { Command } from "commander";
import { addClusterOptions, type ClusterOptions, chooseCluster } from "../cluster-options.ts";
import { ensureHost } from "../host-process.ts";
import { interruptSignal } from "../interrupt.ts";
import { followStart } from "../progress.ts";

export function addUp(program: Command): void {
  addClusterOptions(program.command("up").description("start the lab in the background and return when it is ready"))
    .option("--port <port>", "port of the interface on 127.0.0.1 (default: any free one)", Number)
    .option("-o, --output <format>", "json for machines")
    .action(async (options: ClusterOptions & { port?: number; output?: string }) => {
      const signal = interruptSignal();
      const host = await ensureHost({ attached: false, port: options.port });
      try {
        const name = await chooseCluster(host.rpc, options);
        await host.rpc.call("cluster.start", { name });
        const status = await followStart(host.rpc, { signal, quiet: options.output === "json", cluster: name });
        const address = `${host.instance.url}#token=${host.instance.token}`;
        if (options.output === "json")
          console.log(JSON.stringify({ address, kubeconfig: status.kubeconfig, pid: host.instance.pid }, null, 2));
        else console.log(`Ready.\n  interface   ${address}\n  kubeconfig  ${status.kubeconfig}`);
      } catch (error) {
        // Half a start helps nobody: what this call began, it takes back.
        if (host.started) await host.rpc.call("app.shutdown", { deleteState: false }).catch(() => {});
        throw error;
      } finally {
        host.rpc.close();
      }
    });
}
