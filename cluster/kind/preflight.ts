import { readFile, statfs } from "node:fs/promises";
import { release } from "node:os";
import { AppError } from "#api/errors.ts";
import type { ProviderContext } from "../provider.ts";
import type { Engine } from "./engine.ts";
import { onPath } from "./kind-program.ts";

/** What is asked of an engine, and what it says of itself. */
export interface EngineFacts {
  readonly version: string;
  readonly apiVersion: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly cgroupVersion: string;
  readonly cgroupDriver: string;
  readonly operatingSystem: string;
  /** Free bytes where the engine keeps images, where that can be seen from here. */
  readonly diskFreeBytes: number | undefined;
  /** Limits of the kernel that nodes share with everything else here; undefined where the engine's kernel is another. */
  readonly inotify: { readonly instances: number; readonly watches: number } | undefined;
}

/** Kubernetes and the mesh on one node, with every lab; each further node costs about this much again without its pods. */
const NODE_BYTES = 2e9;
const WORKER_BYTES = 0.7e9;
const DISK_BYTES = 4e9;
/** API of Docker 20.10 (January 2021), which kind needs at least. */
const OLDEST_API = 1.41;
/** kind's own advice: https://kind.sigs.k8s.io/docs/user/known-issues */
export const RAISE_INOTIFY =
  "Raise them: `sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`.";

/** What systemd, containerd, the kubelet and the control plane of one node take, and what a desktop takes beside them. */
const NODE_INOTIFY = { instances: 40, watches: 10_000 };
const OTHERS_INOTIFY = { instances: 64, watches: 20_000 };

export async function engineFacts({ docker }: Engine): Promise<EngineFacts> {
  const [info, version] = await Promise.all([docker.info() as Promise<EngineInfo>, docker.version()]);
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    memoryBytes: info.MemTotal ?? 0,
    cpus: info.NCPU ?? 0,
    cgroupVersion: info.CgroupVersion ?? "2",
    cgroupDriver: info.CgroupDriver ?? "",
    operatingSystem: info.OperatingSystem ?? "",
    diskFreeBytes: await freeBytes(info.DockerRootDir),
    inotify: await inotifyLimits(info.KernelVersion),
  };
}

interface EngineInfo {
  readonly MemTotal?: number;
  readonly NCPU?: number;
  readonly CgroupVersion?: string;
  readonly CgroupDriver?: string;
  readonly OperatingSystem?: string;
  readonly DockerRootDir?: string;
  readonly KernelVersion?: string;
}

async function freeBytes(folder: string | undefined): Promise<number | undefined> {
  if (folder === undefined || process.platform !== "linux") return undefined;
  const stats = await statfs(folder).catch(() => undefined);
  return stats && stats.bavail * stats.bsize;
}

/** An engine in a virtual machine has limits of its own, which cannot be seen from here. */
async function inotifyLimits(engineKernel: string | undefined): Promise<EngineFacts["inotify"]> {
  if (process.platform !== "linux" || engineKernel !== release()) return undefined;
  const read = async (name: string): Promise<number> =>
    Number(await readFile(`/proc/sys/fs/inotify/${name}`, "utf8").catch(() => "NaN"));
  const [instances, watches] = await Promise.all([read("max_user_instances"), read("max_user_watches")]);
  return Number.isNaN(instances + watches) ? undefined : { instances, watches };
}

/** Refuses what cannot work and advises on what will be tight. Throws an AppError with what to do. */
export function judgeEngine(facts: EngineFacts, workers: number, context: Pick<ProviderContext, "log">): void {
  const { version, apiVersion, memoryBytes, diskFreeBytes } = facts;
  if (Number.parseFloat(apiVersion) < OLDEST_API)
    throw new AppError("DOCKER_UNAVAILABLE", `the Docker engine ${version} is too old for kind`, {
      hint: "Update Docker to 20.10 or later.",
    });
  const needed = NODE_BYTES + workers * WORKER_BYTES;
  if (memoryBytes < needed)
    throw new AppError(
      "OUT_OF_MEMORY",
      `the Docker engine has ${gigabytes(memoryBytes)} of memory, and ${workers + 1} node(s) need ${gigabytes(needed)}`,
      {
        hint: "Give Docker more memory (Docker Desktop: Settings, Resources), take fewer nodes, or use the embedded provider.",
      },
    );
  if (diskFreeBytes !== undefined && diskFreeBytes < DISK_BYTES)
    throw new AppError(
      "DISK_FULL",
      `the Docker engine's disk has ${gigabytes(diskFreeBytes)} left, and ${gigabytes(DISK_BYTES)} are needed`,
      {
        hint: "`docker system prune` removes what no container uses.",
      },
    );
  adviseInotify(facts, workers + 1, context);
  context.log(
    `Docker ${version} on ${facts.operatingSystem}: ${facts.cpus} processors, ${gigabytes(memoryBytes)}, cgroup v${facts.cgroupVersion} (${facts.cgroupDriver})`,
  );
  if (facts.cgroupVersion === "1")
    context.log("This machine has cgroup v1, which Kubernetes will soon drop: boot with cgroup v2 when you can.");
}

/** The usual limits are made for one user's editors. Nodes may still come up below what they take at most, so this refuses nothing. */
function adviseInotify({ inotify }: EngineFacts, nodes: number, { log }: Pick<ProviderContext, "log">): void {
  if (inotify === undefined) return;
  const instances = OTHERS_INOTIFY.instances + nodes * NODE_INOTIFY.instances;
  const watches = OTHERS_INOTIFY.watches + nodes * NODE_INOTIFY.watches;
  if (inotify.instances >= instances && inotify.watches >= watches) return;
  log(
    `The kernel lets a user have ${inotify.instances} inotify instances and ${inotify.watches} watches; ${nodes} node(s) may need ${instances} and ${watches}. ${RAISE_INOTIFY}`,
  );
}

/** The kind command drives the engine by its own command. */
export async function checkEngineCommand({ isPodman }: Engine, path = process.env.PATH): Promise<void> {
  const name = isPodman ? "podman" : "docker";
  if ((await onPath(name, path)) !== undefined) return;
  throw new AppError("TOOL_MISSING", `the command ${name} is not on the PATH; kind needs it`, {
    hint: isPodman ? "Install podman." : "Install Docker's command line (Debian: docker.io or docker-ce-cli).",
  });
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
