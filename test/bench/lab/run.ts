/**
 * How long the lab takes to be ready, what it weighs, and how long a change takes until every proxy has acknowledged it.
 *
 *   node test/bench/lab/run.ts [--starts 5] [--changes 200]
 *
 * Needs a build (`npm run build`). Prints a Markdown table and, with --json, the raw figures.
 */
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { KubeObject } from "#api/kinds/object.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import { Slipway } from "../../e2e/support/slipway.ts";
import { quantile } from "../quantile.ts";
import { measureAcks } from "./acks.ts";

const { values } = parseArgs({
  options: {
    starts: { type: "string", default: "5" },
    changes: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});

interface Figures {
  readonly startMs: readonly number[];
  readonly restartMs: readonly number[];
  readonly memoryBytes: number;
  readonly hostBytes: number;
  readonly ackMs: readonly number[];
}

/** From the command's start until a request has gone through the gateway, over mutual TLS, to a captured pod and back. */
async function timeToFirstRequest(slipway: Slipway): Promise<number> {
  const started = performance.now();
  await slipway.must(["up"]);
  const { shop } = await slipway.status();
  for (let attempt = 0; attempt < 500; attempt++) {
    const answer = await fetch(`${shop}cart`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return performance.now() - started;
    await delay(10);
  }
  throw new Error("the shop never answered");
}

async function measureStarts(count: number): Promise<Pick<Figures, "startMs" | "restartMs">> {
  const startMs: number[] = [];
  const restartMs: number[] = [];
  for (let run = 0; run < count; run++) {
    const slipway = await Slipway.create();
    try {
      startMs.push(await timeToFirstRequest(slipway));
      await slipway.must(["down"]);
      restartMs.push(await timeToFirstRequest(slipway));
    } finally {
      await slipway.dispose();
    }
  }
  return { startMs, restartMs };
}

async function measureRunning(changes: number): Promise<Pick<Figures, "memoryBytes" | "hostBytes" | "ackMs">> {
  const slipway = await Slipway.create();
  try {
    await slipway.must(["up"]);
    await slipway.must(["lab", "run", "canary", "--fast"]);
    await delay(6000);
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
  const { readFile } = await import("node:fs/promises");
  return Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
const range = (times: readonly number[]): string =>
  `${seconds(quantile(times, 0.5))} (${seconds(Math.min(...times))} to ${seconds(Math.max(...times))})`;

const figures: Figures = {
  ...(await measureStarts(Number(values.starts))),
  ...(await measureRunning(Number(values.changes))),
};
if (values.json) console.log(JSON.stringify(figures));
console.log(`\n${cpus().length} cores, ${cpus()[0]?.model.trim()}, Node.js ${process.version}\n`);
console.log("| what | target | measured: median (least to most) |");
console.log("| --- | --- | --- |");
console.log(
  `| command to first captured request over mutual TLS, new cluster | 5 s | ${range(figures.startMs)}, ${figures.startMs.length} runs |`,
);
console.log(`| the same, saved cluster | | ${range(figures.restartMs)}, ${figures.restartMs.length} runs |`);
console.log(
  `| memory of the cluster with every pod (proportional set size) | 1.2 GB | ${Math.round(figures.memoryBytes / 1e6)} MB, and the host ${Math.round(figures.hostBytes / 1e6)} MB |`,
);
console.log(
  `| VirtualService written to last proxy's ACK seen | 50 ms at p99 | p50 ${quantile(figures.ackMs, 0.5).toFixed(1)} ms, p99 ${quantile(figures.ackMs, 0.99).toFixed(1)} ms, ${figures.ackMs.length} changes |`,
);
