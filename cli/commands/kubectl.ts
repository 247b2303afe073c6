import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { findKubectl } from "#main/host/terminals/kubectl.ts";
import { connectHost } from "../host-process.ts";
import { first } from "../rpc-client.ts";

export function addKubectl(program: Command): void {
  program
    .command("kubectl")
    .description("run kubectl against the lab's cluster")
    .allowUnknownOption()
    .helpOption(false)
    .argument("[args...]")
    .action(async (args: readonly string[]) => {
      const { rpc } = await connectHost();
      const { kubeconfig } = await first(rpc.stream("cluster.status", {}));
      rpc.close();
      if (kubeconfig === undefined) throw new AppError("NOT_RUNNING", "the cluster is not ready yet");
      const child = spawn(await findKubectl(), args, {
        stdio: "inherit",
        env: { ...process.env, KUBECONFIG: kubeconfig },
      });
      process.on("SIGINT", () => {}); // the terminal sends it to kubectl too
      const [code] = (await once(child, "exit")) as [number | null];
      process.exitCode = code ?? 1;
    });
  program.enablePositionalOptions();
  program.commands.find((command) => command.name() === "kubectl")?.passThroughOptions();
}
