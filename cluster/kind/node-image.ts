import type { KindSettings } from "#api/cluster-definition.ts";
import type { Engine } from "./engine.ts";

/** What the nodes run and how their kubelets are set up. */
export interface NodeImage {
  /** Undefined: kind's own for its version. */
  readonly image: string | undefined;
  readonly kubelet: Readonly<Record<string, unknown>>;
}

/** Image names that stand in for kind's own where an engine has them: that is how a room without a registry is prepared. */
const localNode = "slipway/kind-node";
export const localBase = "slipway/test-node-base";

/** The image of the nodes: the one asked for, else one prepared on this engine or carried along, else kind's own. */
export async function chooseNodeImage(engine: Engine, settings: KindSettings, carried?: string): Promise<NodeImage> {
  const { nodeImage, kubernetesVersion } = settings;
  const prepared = kubernetesVersion === undefined ? localNode : `${localNode}:v${kubernetesVersion}`;
  const published = kubernetesVersion === undefined ? carried : `kindest/node:v${kubernetesVersion}`;
  const image = nodeImage ?? ((await hasImage(engine, prepared)) ? prepared : published);
  const { CgroupVersion } = (await engine.docker.info()) as { readonly CgroupVersion?: string };
  return { image, kubelet: kubeletSettings(image, CgroupVersion ?? "2") };
}

export function kubeletSettings(image: string | undefined, cgroupVersion: string): Readonly<Record<string, unknown>> {
  // The image runs containerd without systemd's cgroups, and gives pods a resolver of its own.
  const prepared =
    image?.split(":")[0] === localNode
      ? { cgroupDriver: "cgroupfs", cgroupRoot: "/", resolvConf: "/kind/resolv.conf" }
      : {};
  // Kubelets refuse cgroup v1 since 1.35 unless they are told that this is meant.
  return cgroupVersion === "1" ? { ...prepared, failCgroupV1: false } : prepared;
}

export async function hasImage({ docker }: Engine, reference: string): Promise<boolean> {
  try {
    await docker.getImage(reference).inspect();
    return true;
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}
