import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { rawClient } from "./client.ts";
import type { Target } from "./play.ts";
import { programs, startBinaries } from "./real-binaries.ts";

const run = promisify(execFile);

export interface RealCluster extends Target {
  /** Whether pods run in it. */
  readonly hasNode: boolean;
  stop(): Promise<void>;
}

/** Settings of the differential suite, from the environment. */
export interface RealSettings {
  /** Kubeconfig of a real cluster that is there already. */
  readonly kubeconfig: string | undefined;
  /** Folder with Kubernetes' own programs: without Docker, and without a node. */
  readonly binaries: string | undefined;
  /** An image with Node.js that nodes have or can pull. */
  readonly podImage: string;
  /** Image and configuration for kind, where its own image cannot be pulled. */
  readonly image: string | undefined;
  readonly config: string | undefined;
}

export const settingsOf = (env: NodeJS.ProcessEnv): RealSettings => ({
  kubeconfig: env.SLIPWAY_REAL_KUBECONFIG,
  binaries: env.SLIPWAY_REAL_BINARIES,
  podImage: env.SLIPWAY_REAL_POD_IMAGE ?? "node:24-slim",
  image: env.SLIPWAY_KIND_IMAGE,
  config: env.SLIPWAY_KIND_CONFIG,
});

/** Why there is no real cluster to compare with, in one line; undefined if there is one. */
export async function whyNotReal({ kubeconfig, binaries }: RealSettings): Promise<string | undefined> {
  if (kubeconfig !== undefined)
    return existsSync(kubeconfig) ? undefined : `SLIPWAY_REAL_KUBECONFIG names ${kubeconfig}, which is not there`;
  if (binaries !== undefined) {
    const missing = programs.find((program) => !existsSync(join(binaries, program)));
    return missing === undefined ? undefined : `SLIPWAY_REAL_BINARIES names a folder without ${missing}`;
  }
  const works = (command: string, ...args: readonly string[]): Promise<boolean> =>
    run(command, args, { timeout: 10_000 }).then(
      () => true,
      () => false,
    );
  if (!(await works("docker", "info"))) return "no Docker engine answers; name a cluster by SLIPWAY_REAL_KUBECONFIG";
  if (!(await works("kind", "version"))) return "kind is not on the PATH; name a cluster by SLIPWAY_REAL_KUBECONFIG";
  return undefined;
}

/** The cluster that the settings name, or one of its own in kind. */
export async function openReal(settings: RealSettings): Promise<RealCluster> {
  if (settings.kubeconfig !== undefined) {
    const client = await rawClient(kubeconfigConnection(settings.kubeconfig));
    const { kubeconfig } = settings;
    return {
      client,
      kubeconfig,
      variables: { image: settings.podImage },
      hasNode: true,
      stop: async () => client.close(),
    };
  }
  if (settings.binaries !== undefined) return startBinaries(settings.binaries);
  const folder = await mkdtemp(join(tmpdir(), "slipway-real-"));
  const kubeconfig = join(folder, "kubeconfig");
  const name = `slipway-differential-${process.pid}`;
  const remove = async (): Promise<void> => {
    await run("kind", ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig], { timeout: 120_000 });
    await rm(folder, { recursive: true, force: true });
  };
  const { image, config } = settings;
  const choices = [
    ...(image === undefined ? [] : ["--image", image]),
    ...(config === undefined ? [] : ["--config", config]),
  ];
  try {
    await run("kind", ["create", "cluster", "--name", name, "--kubeconfig", kubeconfig, ...choices], {
      timeout: 600_000,
    });
    const client = await rawClient(kubeconfigConnection(kubeconfig));
    return {
      client,
      kubeconfig,
      variables: { image: settings.podImage },
      hasNode: true,
      stop: async () => {
        client.close();
        await remove();
      },
    };
  } catch (error) {
    await remove().catch(() => {});
    throw error;
  }
}
