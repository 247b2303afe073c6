import { mkdir, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { findKubectl } from "./kubectl.ts";
import type { TerminalProcess } from "./terminals.ts";

export interface LocalShellOptions {
  readonly kubeconfig: string | undefined;
  /** Folder for links to the commands that the shell finds first on its PATH. */
  readonly binFolder: string;
  /** The `slipway` launcher. */
  readonly slipway: string;
  readonly columns: number;
  readonly rows: number;
}

/** The person's own shell, with `slipway`, `kubectl` and an `istioctl`-style alias on the PATH and KUBECONFIG set to the lab's cluster. */
export async function openLocalShell(options: LocalShellOptions): Promise<TerminalProcess> {
  await linkCommands(options);
  const shell = process.env.SHELL || "/bin/bash";
  const pty = spawn(shell, [], {
    name: "xterm-256color",
    cols: options.columns,
    rows: options.rows,
    cwd: homedir(),
    env: {
      ...process.env,
      PATH: [options.binFolder, process.env.PATH ?? ""].join(delimiter),
      ...(options.kubeconfig === undefined ? {} : { KUBECONFIG: options.kubeconfig }),
    },
  });
  return {
    onData: (listener) => void pty.onData(listener),
    onExit: (listener) => void pty.onExit(({ exitCode }) => listener(exitCode)),
    write: (data) => pty.write(data),
    resize: (columns, rows) => pty.resize(columns, rows),
    kill: () => pty.kill("SIGHUP"),
  };
}

async function linkCommands({ binFolder, slipway }: LocalShellOptions): Promise<void> {
  await mkdir(binFolder, { recursive: true, mode: 0o700 });
  const kubectl = await findKubectl().catch(() => undefined); // the shell is useful without it
  const links = { slipway, ...(kubectl === undefined ? {} : { kubectl }) };
  for (const [name, target] of Object.entries(links)) {
    const path = join(binFolder, name);
    await rm(path, { force: true });
    await symlink(target, path);
  }
}
