import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { connectHost, whenEnded } from "../host-process.ts";

export function addDown(program: Command): void {
  program
    .command("down")
    .description("stop the lab; its state is kept for the next start")
    .option("--delete", "delete the cluster and all progress too")
    .action(async (options: { delete?: boolean }) => {
      const host = await connectHost().catch((error: unknown) => {
        if (error instanceof AppError && error.code === "NOT_RUNNING" && !options.delete) return undefined;
        throw error;
      });
      if (host === undefined) {
        console.log("Slipway does not run.");
        return;
      }
      await host.rpc.call("app.shutdown", { deleteState: options.delete ?? false });
      host.rpc.close();
      if (!(await whenEnded(host.instance, 30_000)))
        throw new AppError("TIMEOUT", `process ${host.instance.pid} did not end within 30 s`);
      console.log(options.delete ? "Stopped and deleted." : "Stopped.");
    });
}
