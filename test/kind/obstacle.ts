import type Docker from "dockerode";
import { AppError } from "#api/errors.ts";
import { connectEngine } from "#cluster/kind/engine.ts";
import { onPath } from "#cluster/kind/kind-program.ts";
import { engineFacts, judgeEngine } from "#cluster/kind/preflight.ts";

/**
 * Why clusters of kind cannot be tested here, in one line; undefined if they can. Tests take what is at hand: they download neither
 * programs nor images.
 */
export async function obstacle(): Promise<string | undefined> {
  try {
    const engine = await connectEngine();
    judgeEngine(await engineFacts(engine), 2, { log: () => {} });
    if ((await onPath("kind", process.env.PATH)) === undefined) return "the command kind is not on the PATH";
    if (!(await hasNodeImage(engine.docker))) return "the Docker engine has no image of kind's nodes";
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

async function hasNodeImage(docker: Docker): Promise<boolean> {
  const images = await docker.listImages();
  return images.some(({ RepoTags }) => RepoTags?.some((tag) => /^(slipway\/kind-node|kindest\/node):/.test(tag)));
}
