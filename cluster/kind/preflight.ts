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
}

/** Kubernetes and the mesh on one node, with every lab; each further node costs about this much again without its pods. */
const NODE_BYTES = 2e9;
const WORKER_BYTES = 0.7e9;
const DISK_BYTES = 4e9;
/** API of Docker 20.10 (January 2021), which kind needs at least. */
const OLDEST_API = 1.41;

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
  };
}

interface EngineInfo {
  readonly MemTotal?: number;
  readonly NCPU?: number;
  readonly CgroupVersion?: string;
  readonly CgroupDriver?: string;
  readonly OperatingSystem?: string;
  readonly DockerRootDir?: string;
}

async function freeBytes(folder: string | undefined): Promise<number | undefined> {
  if (folder === undefined || process.platform !== "linux") return undefined;
  const { statfs } = await import("node:fs/promises");
  const stats = await statfs(folder).catch(() => undefined);
  return stats && stats.bavail * stats.bsize;
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
  context.log(
    `Docker ${version} on ${facts.operatingSystem}: ${facts.cpus} processors, ${gigabytes(memoryBytes)}, cgroup v${facts.cgroupVersion} (${facts.cgroupDriver})`,
  );
  if (facts.cgroupVersion === "1")
    context.log("This machine has cgroup v1, which Kubernetes will soon drop: boot with cgroup v2 when you can.");
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
