import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#api/errors.ts";
import { namespaces } from "#api/names.ts";
import type { Problem } from "#api/problem.ts";
import { applyManifest } from "#kube/apply.ts";
import { KubeClient } from "#kube/client.ts";
import type { Connection } from "#kube/connection.ts";
import { Discovery } from "#kube/discovery.ts";
import { parseManifest } from "#kube/manifest.ts";
import { whenAvailable } from "#kube/wait.ts";
import { installMesh } from "#mesh/deploy/install.ts";
import type { MeshValues } from "#mesh/deploy/values.ts";
import type { Step, StepContext } from "./bring-up.ts";

export interface LabStepOptions {
  readonly connection: () => Connection;
  readonly mesh: () => MeshValues;
  /** A file of apps/manifests. */
  readonly readManifest: (name: string) => Promise<string>;
}

const WAIT_MS = 120_000;
/** How long the control plane may need until the API server reaches its webhooks: it or its node may just have been started. */
const WEBHOOK_MS = 60_000;
const isWebhookAway = ({ message }: Problem): boolean => /failed calling webhook/.test(message);

/** From a cluster that answers to a lab that is ready: the mesh, the shop, the traffic generator. What does not depend runs side by side. */
export function labSteps(options: LabStepOptions): readonly Step[] {
  const withClient = async (work: (client: KubeClient) => Promise<void>): Promise<void> => {
    const client = new KubeClient(options.connection());
    try {
      await work(client);
    } finally {
      client.close();
    }
  };
  const apply = (id: string, title: string, file: string, after: readonly string[]): Step => ({
    id,
    title,
    after,
    run: (context) =>
      withClient(async (client) => applyFile(client, await options.readManifest(file), { file, context })),
  });
  const wait = (id: string, title: string, namespace: string, after: readonly string[]): Step => ({
    id,
    title,
    after,
    run: (context) =>
      withClient((client) =>
        whenAvailable(client, namespace, {
          signal: AbortSignal.any([context.signal, AbortSignal.timeout(WAIT_MS)]),
          onProgress: (text) => context.detail(text),
        }),
      ),
  });
  return [
    {
      id: "mesh",
      title: "Install the mesh",
      after: ["cluster"],
      run: (context) => withClient((client) => installMesh(client, context, options.mesh())),
    },
    apply("shop", "Deploy the shop", "shop.yaml", ["mesh"]),
    apply("traffic", "Deploy the traffic generator", "traffic.yaml", ["cluster"]),
    wait("mesh-ready", "Wait for the mesh", namespaces.system, ["mesh"]),
    wait("shop-ready", "Wait for the shop", namespaces.shop, ["shop"]),
    wait("traffic-ready", "Wait for the traffic generator", namespaces.traffic, ["traffic"]),
  ];
}

async function applyFile(
  client: KubeClient,
  yaml: string,
  { file, context }: { readonly file: string; readonly context: StepContext },
): Promise<void> {
  const { objects } = parseManifest(yaml);
  const discovery = new Discovery(client);
  const attempt = () => applyManifest(objects, { client, discovery, fieldManager: "slipway", signal: context.signal });
  let outcome = await attempt();
  const end = Date.now() + WEBHOOK_MS;
  while (outcome.problems.some(isWebhookAway) && Date.now() < end) {
    context.detail("waiting for the control plane's webhook");
    await delay(500, undefined, { signal: context.signal });
    outcome = await attempt();
  }
  for (const { object, action } of outcome.applied) context.log(`${object.kind} ${object.name} ${action}`);
  const [problem] = outcome.problems;
  if (problem !== undefined)
    throw new AppError("MANIFEST_REJECTED", `${file}:${problem.line ?? 1}: ${problem.message}`);
}
