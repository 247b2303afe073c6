import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { KubeObject } from "#api/kinds/object.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import { Slipway } from "../../e2e/support/slipway.ts";
import { measureAcks } from "./acks.ts";

export type Provider = "embedded" | "kind";

/** What was measured of the lab on one kind of cluster. */
export interface Figures {
  readonly startMs: readonly number[];
  readonly restartMs: readonly number[];
  readonly memoryBytes: number;
  readonly hostBytes: number;
  readonly ackMs: readonly number[];
}

/** @param starts how often it is made, stopped and started again */
export async function measureStarts(
  provider: Provider,
  starts: number,
): Promise<Pick<Figures, "startMs" | "restartMs">> {
  const startMs: number[] = [];
  const restartMs: number[] = [];
  for (let run = 0; run < starts; run++) {
    const slipway = await Slipway.create();
    try {
      startMs.push(await timeToFirstRequest(slipway, provider));
      await slipway.must(["down"]);
      restartMs.push(await timeToFirstRequest(slipway, provider));
    } finally {
      await slipway.dispose();
    }
  }
  return { startMs, restartMs };
}

/** From the command's start until a request has gone through the gateway, over mutual TLS, to a captured pod and back. */
async function timeToFirstRequest(slipway: Slipway, provider: Provider): Promise<number> {
  const started = performance.now();
  await slipway.must(["up", "--provider", provider]);
  const { shop } = await slipway.status();
  for (let attempt = 0; attempt < 500; attempt++) {
    const answer = await fetch(`${shop}cart`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return performance.now() - started;
    await delay(10);
  }
  throw new Error("the shop never answered");
}

/** Of a cluster on which the canary lab was played. */
export async function measureRunning(
  provider: Provider,
  changes: number,
): Promise<Pick<Figures, "memoryBytes" | "hostBytes" | "ackMs">> {
  const slipway = await Slipway.create();
  try {
    await slipway.must(["up", "--provider", provider]);
    await slipway.must(["lab", "run", "canary", "--fast"]);
    await delay(6000); // the host measures memory every five seconds
    const { memoryBytes = 0, kubeconfig, processes } = await slipway.status();
    const client = new KubeClient(kubeconfigConnection(kubeconfig));
    try {
      const write = (change: number): Promise<KubeObject> => {
        const weight = 10 + (change % 80);
        const route = [1, 2].map((version) => ({
          destination: { host: "cart", subset: `v${version}` },
          weight: version === 1 ? 100 - weight : weight,
        }));
        const cart = { namespace: "shop", name: "cart" };
        return client.patch(resources.virtualServices, cart, { spec: { http: [{ route }] } }, { type: "merge" });
      };
      const ackMs = await measureAcks(client, { changes, write });
      return { memoryBytes, hostBytes: await pssOf(processes.host), ackMs };
    } finally {
      client.close();
    }
  } finally {
    await slipway.dispose();
  }
}

async function pssOf(pid: number): Promise<number> {
  return Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
}
