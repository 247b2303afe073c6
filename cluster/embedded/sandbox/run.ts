import { spawn } from "node:child_process";

export interface RunOptions {
  /** Written to the standard input. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** After this many milliseconds the command is killed and the call fails. */
  readonly timeoutMs?: number;
}

/** A command that could not be started or ended with another status than 0: carries the command and what it printed. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly command: readonly string[];
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: readonly string[], result: { exitCode: number | undefined; stdout: string; stderr: string }) {
    const status = result.exitCode === undefined ? "could not be run" : `ended with status ${result.exitCode}`;
    super(`${command.join(" ")} ${status}: ${result.stderr.trim() || result.stdout.trim() || "no output"}`);
    this.command = command;
    this.exitCode = result.exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/** Runs a command to its end and gives its standard output; fails with CommandError. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const [file = "", ...args] = command;
    const child = spawn(file, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.once("error", (error) =>
      reject(new CommandError(command, { exitCode: undefined, stdout, stderr: error.message })),
    );
    child.once("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          new CommandError(command, {
            exitCode: code ?? -1,
            stdout,
            stderr: signal === null ? stderr : `${stderr}killed by ${signal}`,
          }),
        );
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}
