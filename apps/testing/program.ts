import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export interface Program {
  readonly port: number;
  readonly url: string;
  /** Sends TERM; resolves to the exit code. */
  stop(): Promise<number | null>;
}

/** Starts a program of this folder as a process of its own and waits until it listens. */
export async function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const [name = "", ...rest] = args;
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", name, "main.ts"), ...rest], {
    env: { PATH: process.env.PATH, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const port = await listening(child, args.join(" "));
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) resolve(child.exitCode);
        child.on("exit", (code) => resolve(code));
        child.kill("SIGTERM");
      }),
  };
}

function listening(child: ChildProcess, name: string): Promise<number> {
  let output = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const [, port] = /listening on (\d+)/.exec(output) ?? [];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("exit", (code) => reject(new Error(`${name} ended with ${code}: ${output}`)));
  });
}
