import { once } from "node:events";
import { access, chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { AppError } from "#api/errors.ts";
import { defaultValues } from "#mesh/deploy/values.ts";
import type { ClusterProvider, ProviderContext, RunningCluster } from "../provider.ts";
import { memoryOfTree } from "./memory.ts";
import type { EmbeddedConfig, FromCluster, ToCluster } from "./protocol.ts";
import { LOCKED, launchSandbox, type Sandbox } from "./sandbox/launch.ts";
import { checkSandbox, type SandboxMode } from "./sandbox/preflight.ts";

export interface EmbeddedOptions {
  readonly name: string;
  /** Holds the cluster's database, keys, logs and kubeconfig. */
  readonly stateFolder: string;
  readonly imagesFolder: string;
  /** The program of the cluster: a bundle or a TypeScript file. */
  readonly entry: string;
  readonly nodes?: EmbeddedConfig["nodes"];
}

const STOP_MS = 15_000;
const LOG_FILE = "cluster.log";
const portFile = (stateFolder: string): string => join(stateFolder, "api-port");
const pidFile = (stateFolder: string): string => join(stateFolder, "host.pid");

/** The cluster that needs nothing but this machine: one sandboxed process. */
export function embeddedProvider(options: EmbeddedOptions): ClusterProvider {
  // What a preflight found out need not be tried again by the start that follows it.
  let checked: SandboxMode | undefined;
  return {
    kind: "embedded",
    deletesRunning: false,
    exists: () => isThere(pidFile(options.stateFolder)),
    preflight: async () => {
      checked = await checkSandbox();
    },
    start: async (context) => {
      const mode = checked ?? (await checkSandbox());
      checked = undefined;
      return start({ ...options, mode }, context);
    },
    delete: () => rm(options.stateFolder, { recursive: true, force: true }),
  };
}

async function start(
  options: EmbeddedOptions & { readonly mode: SandboxMode },
  context: ProviderContext,
): Promise<RunningCluster> {
  const { stateFolder, mode } = options;
  await mkdir(stateFolder, { recursive: true, mode: 0o700 }).catch(diskFull(stateFolder));
  const server = await listenAsBefore(stateFolder);
  context.signal.throwIfAborted();
  const { port } = server.address() as AddressInfo;
  const logFile = join(stateFolder, LOG_FILE);
  const sandbox = await launchSandbox({
    entry: options.entry,
    stateDir: stateFolder,
    logFile,
    lockFile: join(stateFolder, "lock"),
    mode,
    env: { NODE_OPTIONS: "--enable-source-maps", ...compileCache(options.entry) },
  });
  const onAbort = (): void => sandbox.kill();
  context.signal.addEventListener("abort", onAbort);
  try {
    const config: EmbeddedConfig = {
      name: options.name,
      stateFolder,
      imagesFolder: options.imagesFolder,
      server: `https://127.0.0.1:${port}`,
      nodes: options.nodes ?? [{ name: "slipway", zone: "local-1" }],
    };
    // A process that cannot be told anything is ended, and why it ended is the better message.
    const told = send(sandbox, { type: "start", config }, server).catch(() => sandbox.kill());
    const [ready] = await Promise.all([whenReady(sandbox, stateFolder, context), told]);
    // Only now: a second start that is refused must not take the place of the first.
    const facts = { [pidFile(stateFolder)]: process.pid, [portFile(stateFolder)]: port };
    await Promise.all(Object.entries(facts).map(([file, fact]) => writeFile(file, String(fact)))).catch(
      diskFull(stateFolder),
    );
    const kubeconfig = await writeKubeconfig(stateFolder, ready.kubeconfig);
    return {
      name: options.name,
      kubernetesVersion: ready.version,
      kubeconfig,
      mesh: defaultValues,
      gatewayUrl: undefined,
      pid: sandbox.pid,
      ended: sandbox.exited.then(({ code, signal }) => `the cluster's process ended with ${signal ?? code}`),
      // Its nodes are one process: what belongs to which is not told apart.
      usage: async () => ({ memoryBytes: await memoryOfTree(sandbox.pid), nodes: {} }),
      stop: async () => void (await sandbox.stop(STOP_MS)),
    };
  } catch (error) {
    sandbox.kill();
    await sandbox.exited;
    context.signal.throwIfAborted();
    throw error;
  } finally {
    context.signal.removeEventListener("abort", onAbort);
    // The cluster has its own copy of the listening socket.
    server.close();
  }
}

/** Filled by the build; saves a good part of the start. */
function compileCache(entry: string): Record<string, string> {
  if (!entry.endsWith(".js")) return {};
  return { NODE_COMPILE_CACHE: join(dirname(entry), ".cache"), NODE_COMPILE_CACHE_PORTABLE: "1" };
}

/** Sends the message and the socket; resolves when the other side has them. */
function send(sandbox: Sandbox, message: ToCluster, server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    sandbox.process.send(message, server, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function whenReady(
  sandbox: Sandbox,
  stateFolder: string,
  context: ProviderContext,
): Promise<Extract<FromCluster, { type: "ready" }>> {
  const outcome = new Promise<Extract<FromCluster, { type: "ready" }>>((resolve, reject) => {
    sandbox.process.on("message", (message: FromCluster) => {
      switch (message.type) {
        case "progress":
          context.detail(message.text);
          context.log(message.text);
          return;
        case "ready":
          return resolve(message);
        case "failed": {
          const { code, message: text, hint, detail } = message.error;
          return reject(new AppError(code, text, { ...(hint && { hint }), ...(detail && { detail }) }));
        }
      }
    });
  });
  const died = sandbox.exited.then(async ({ code, signal }) => {
    if (code === LOCKED) throw await alreadyRunning(stateFolder);
    const log = await readFile(join(stateFolder, LOG_FILE), "utf8").catch(() => "");
    throw new AppError(
      "CLUSTER_START_FAILED",
      `the cluster's process ended with ${signal ?? code} before it was ready`,
      { detail: log.slice(-2000) },
    );
  });
  return Promise.race([outcome, died]);
}

async function alreadyRunning(stateFolder: string): Promise<AppError> {
  const pid = (await readFile(pidFile(stateFolder), "utf8").catch(() => "")).trim();
  return new AppError(
    "ALREADY_RUNNING",
    `a cluster already runs on the state in ${stateFolder}${pid === "" ? "" : ` (started by process ${pid})`}`,
    { hint: "Use `slipway status` to see it and `slipway down` to stop it." },
  );
}

/** Listens on the port of the last time, so that kubeconfigs people copied stay right; on any other if that is taken. */
async function listenAsBefore(stateFolder: string): Promise<Server> {
  const before = Number(await readFile(portFile(stateFolder), "utf8").catch(() => "0"));
  const server = (await tryListen(before)) ?? (await tryListen(0));
  if (server === undefined) throw new AppError("PORT_TAKEN", "no port of 127.0.0.1 is free for the API server");
  return server;
}

async function tryListen(port: number): Promise<Server | undefined> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function writeKubeconfig(stateFolder: string, text: string): Promise<string> {
  const path = join(stateFolder, "kubeconfig");
  await writeFile(`${path}.new`, text, { mode: 0o600 }).catch(diskFull(stateFolder));
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return path;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function diskFull(folder: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code !== "ENOSPC") throw error;
    throw new AppError("DISK_FULL", `there is no space left on the disk of ${folder}`, {
      cause: error,
      hint: "Free some space and start again; what was saved before is safe.",
    });
  };
}
