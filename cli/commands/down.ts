import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { connectHost, ensureHost, whenEnded } from "../host-process.ts";

/** Nodes of several clusters may have to end, in milliseconds. */
const END_MS = 90_000;

export function addDown(program: Command): void {
  program
    .command("down")
    .description("stop the lab; its state is kept for the next start")
    .option("--delete", "delete every cluster of this state folder and all progress too")
    .action(async (options: { delete?: boolean }) => {
      const host = await connectHost().catch((error: unknown) => {
        if (!(error instanceof AppError && error.code === "NOT_RUNNING")) throw error;
        // What is left of a lab that does not run, containers too, only a host can remove.
        return options.delete ? ensureHost({ attached: false, port: undefined }) : undefined;
      });
      if (host === undefined) {
        console.log("Slipway does not run.");
        return;
      }
      await host.rpc.call("app.shutdown", { deleteState: options.delete ?? false });
      host.rpc.close();
      if (!(await whenEnded(host.instance, END_MS)))
        throw new AppError("TIMEOUT", `process ${host.instance.pid} did not end within ${END_MS / 1000} s`);
      console.log(options.delete ? "Stopped and deleted." : "Stopped.");
    });
}
