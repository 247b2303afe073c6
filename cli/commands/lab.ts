import { resolve } from "node:path";
import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { inspectLab } from "#main/host/labs/lab-folder.ts";
import { addClusterOptions, type ClusterOptions, chooseCluster } from "../cluster-options.ts";
import { connectHost, ensureHost, type RunningHost } from "../host-process.ts";
import { interruptSignal } from "../interrupt.ts";
import { playLab } from "../play-lab.ts";
import { followStart } from "../progress.ts";
import type { RpcClient } from "../rpc-client.ts";

export function addLab(program: Command): void {
  const lab = program.command("lab").description("list, play back and validate labs");

  lab
    .command("list")
    .description("the labs and how far you are")
    .option("-o, --output <format>", "json for machines")
    .action(async (options: { output?: string }) => {
      const { rpc } = await connectHost();
      const labs = await rpc.call("labs.list", { language: "en" });
      rpc.close();
      if (options.output === "json") console.log(JSON.stringify(labs, null, 2));
      else
        for (const { id, title, minutes, steps, stepsDone } of labs)
          console.log(`${id.padEnd(12)} ${`${stepsDone}/${steps}`.padEnd(6)} ${`${minutes} min`.padEnd(8)} ${title}`);
    });

  addClusterOptions(
    lab
      .command("run <lab>")
      .description("play a lab back from its hidden solutions; ends with 0 only when every check of every step held"),
  )
    .option("--fast", "no pauses between the steps")
    .option("--prove", "also require that each step's checks fail before its solution is applied")
    .option("-o, --output <format>", "json for machines")
    .action(async (id: string, options: RunOptions) => {
      const signal = interruptSignal();
      const { rpc } = await hostFor(options);
      try {
        if (isChosen(options)) await startCluster(rpc, options, signal);
        const result = await playLab(rpc, id, {
          signal,
          pauseMs: options.fast ? 0 : 3000,
          prove: options.prove ?? false,
          print: options.output === "json" ? () => {} : (line) => console.log(line),
        });
        if (options.output === "json") console.log(JSON.stringify(result, null, 2));
        const failed = result.steps.find((step) => !step.passed);
        if (failed !== undefined)
          throw new AppError(
            "CHECK_FAILED",
            `step "${failed.id}" of lab "${id}" did not hold: ${failed.why ?? "a check failed"}`,
          );
      } finally {
        rpc.close();
      }
    });

  lab
    .command("validate <folder>")
    .description("say what is wrong with a lab's files, with file and line")
    .action(async (folder: string) => {
      const { problems } = await inspectLab(resolve(folder));
      for (const problem of problems)
        console.error(
          `${problem.file}:${problem.line ?? 1}:${problem.column ?? 1}: ${problem.field ? `${problem.field}: ` : ""}${problem.message}`,
        );
      if (problems.length > 0) throw new AppError("LAB_INVALID", `${problems.length} problems in ${folder}`);
      console.log("The lab is valid.");
    });
}

interface RunOptions extends ClusterOptions {
  readonly fast?: boolean;
  readonly prove?: boolean;
  readonly output?: string;
}

/** Whoever names a cluster wants the lab on it, running or not. */
const isChosen = ({ cluster, provider }: ClusterOptions): boolean => cluster !== undefined || provider !== undefined;

const hostFor = (options: RunOptions): Promise<RunningHost> =>
  isChosen(options) ? ensureHost({ attached: false, port: undefined }) : connectHost();

async function startCluster(rpc: RpcClient, options: RunOptions, signal: AbortSignal): Promise<void> {
  const name = await chooseCluster(rpc, options);
  await rpc.call("cluster.start", { name });
  await followStart(rpc, { signal, quiet: options.output === "json", cluster: name });
}
