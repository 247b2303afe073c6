import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kindConfiguration } from "#cluster/kind/configuration.ts";
import { connectEngine } from "#cluster/kind/engine.ts";
import { createCluster, deleteCluster } from "#cluster/kind/kind-command.ts";
import { onPath } from "#cluster/kind/kind-program.ts";
import { chooseNodeImage } from "#cluster/kind/node-image.ts";

/** Milliseconds that `kind create cluster` takes by itself, with the node image and the configuration that Slipway gives it. */
export async function timeBareKind(): Promise<number> {
  const engine = await connectEngine();
  const program = await onPath("kind", process.env.PATH);
  if (program === undefined) throw new Error("kind is not on the PATH");
  const command = { program, env: engine.env };
  const folder = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  const [name, kubeconfig] = ["slipway-bench", join(folder, "kubeconfig")];
  const { image, kubelet } = await chooseNodeImage(engine, {});
  const configuration = kindConfiguration({ zones: [], ports: [], kubelet, patch: undefined });
  const { signal } = new AbortController();
  try {
    const started = performance.now();
    await createCluster(command, {
      ...{ name, image, configuration, kubeconfig, signal },
      onProgress: () => {},
      onLine: () => {},
    });
    return performance.now() - started;
  } finally {
    await deleteCluster(command, name, kubeconfig);
    await rm(folder, { recursive: true, force: true });
  }
}
