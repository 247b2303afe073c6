import type { Command } from "commander";
import type { ProxySync } from "#api/rpc/telemetry.ts";
import { connectHost } from "../host-process.ts";
import { first } from "../rpc-client.ts";
import { table } from "../table.ts";

export function addProxyStatus(program: Command): void {
  program
    .command("proxy-status")
    .alias("ps")
    .description("which proxies have acknowledged their configuration")
    .option("-o, --output <format>", "json for machines")
    .action(async (options: { output?: string }) => {
      const { rpc } = await connectHost();
      const { proxies } = await first(rpc.stream("mesh.status", {}));
      rpc.close();
      if (options.output === "json") console.log(JSON.stringify(proxies, null, 2));
      else {
        console.log(table(["NAME", "CDS", "LDS", "EDS", "RDS", "VERSION"], proxies.map(row)));
        for (const proxy of proxies)
          if (proxy.rejected !== undefined) console.log(`${proxy.id} refused: ${proxy.rejected}`);
      }
    });
}

function row({ id, types, version }: ProxySync): readonly string[] {
  return [id, types.CDS, types.LDS, types.EDS, types.RDS, version];
}
