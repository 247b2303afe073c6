import { once } from "node:events";
import type { Command } from "commander";
import { addClusterOptions, type ClusterOptions, chooseCluster } from "../cluster-options.ts";
import { openDesktop } from "../desktop.ts";
import { ensureHost, type RunningHost, whenEnded } from "../host-process.ts";
import { interruptSignal } from "../interrupt.ts";
import { followStart } from "../progress.ts";

export function addStart(program: Command): void {
  addClusterOptions(
    program.command("start").description("start the lab and stay in the foreground; Ctrl-C stops everything"),
  )
    .option("--port <port>", "port of the interface on 127.0.0.1 (default: any free one)", Number)
    .option("--no-window", "do not open a desktop window")
    .action(async (options: ClusterOptions & { port?: number; window: boolean }) => {
      const signal = interruptSignal();
      const host = await ensureHost({ attached: true, port: options.port });
      const address = `${host.instance.url}#token=${host.instance.token}`;
      if (!host.started) console.log("Slipway already runs; this attaches to it.");
      console.log(`The lab: ${address}`);
      const window = options.window ? await openDesktop(address) : undefined;
      try {
        const name = await chooseCluster(host.rpc, options);
        const isMeant = host.started || options.provider !== undefined || options.cluster !== undefined;
        if (isMeant) await host.rpc.call("cluster.start", { name });
        await followStart(host.rpc, { signal, quiet: false, cluster: name });
        const { shopUrl } = await host.rpc.call("app.info", {});
        if (shopUrl !== undefined) console.log(`The shop: ${shopUrl}`);
        console.log(
          host.started ? "Ready. Ctrl-C stops the lab; its state is kept." : "Ready. Ctrl-C leaves it running.",
        );
        await untilDone(signal, window);
      } finally {
        if (host.started) await stop(host);
        host.rpc.close();
      }
    });
}

async function untilDone(signal: AbortSignal, window: { readonly closed: Promise<void> } | undefined): Promise<void> {
  const interrupted = signal.aborted ? Promise.resolve() : once(signal, "abort").then(() => {});
  await (window === undefined ? interrupted : Promise.race([interrupted, window.closed]));
}

async function stop(host: RunningHost): Promise<void> {
  console.log("\nStopping …");
  await host.rpc.call("app.shutdown", { deleteState: false }).catch(() => {});
  await whenEnded(host.instance, 20_000);
}
