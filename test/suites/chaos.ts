import { expect, test } from "vitest";
import type { Slipway } from "../e2e/support/slipway.ts";
import { processesBelow } from "./processes.ts";
import { SteadyClient } from "./steady-client.ts";

/** Something that may die at any moment. */
export interface Victim {
  readonly name: string;
  /** Which of the cluster's processes it is; one of those that fit is chosen. */
  readonly command: RegExp;
  /** Whether customers' requests go through it: then they may need another try, else not a single one. */
  readonly serves: boolean;
}

export interface ChaosOptions {
  readonly ready: () => Slipway;
  /** Processes that the whole cluster descends from. */
  readonly roots: () => Promise<readonly number[]>;
  /** What this cluster has beside the mesh and the shop. */
  readonly more: readonly Victim[];
}

const common: readonly Victim[] = [
  { name: "the control plane", command: /\/pilot-discovery\.js discovery/, serves: false },
  { name: "the node's ztunnel", command: /\/ztunnel\.js proxy/, serves: false },
  { name: "a sidecar", command: /\/pilot-agent\.js proxy sidecar/, serves: true },
  { name: "the gateway", command: /\/pilot-agent\.js proxy router/, serves: true },
  { name: "an application", command: /\/shop\.js /, serves: true },
];

const CALM_MS = 2000;
const RECOVERY_MS = 150_000;

/**
 * Kills one thing after the other in an order that nobody has chosen, under steady traffic. The lab comes back by itself, and no
 * request is lost that a retry may save: not one when what dies does not serve, and none for good when it does. SLIPWAY_SEED
 * repeats an order. Needs to be root, whose every process may be killed.
 */
export function chaosSuite({ ready, roots, more }: ChaosOptions): void {
  const seed = Number(process.env.SLIPWAY_SEED ?? Math.floor(Math.random() * 1e6));
  const random = randomOf(seed);
  const victims = shuffle([...common, ...more], random);

  test.each(victims)(`$name dies, and the lab recovers (seed ${seed})`, async ({ command, serves }) => {
    const { shop } = await ready().status();
    const client = new SteadyClient({ url: `${shop}cart`, rate: 10, patienceMs: RECOVERY_MS });
    await client.calm(CALM_MS, 30_000);
    const found = (await processesBelow(await roots())).filter((one) => command.test(one.command));
    const victim = found[Math.floor(random() * found.length)];
    expect(victim, `no process fits ${command}`).toBeDefined();
    const before = client.soFar.retried;
    process.kill(victim!.pid, "SIGKILL");
    await expect.poll(() => isWhole(ready()), { timeout: RECOVERY_MS, interval: 500 }).toBe("whole");
    await client.calm(CALM_MS, RECOVERY_MS);
    const { lost, retried } = await client.stop();
    expect(lost).toEqual([]);
    if (!serves) expect(retried - before, "requests that needed another try").toBe(0);
  });
}

/** "whole", or what is missing. */
async function isWhole(slipway: Slipway): Promise<string> {
  const { phase, mesh, pods } = await slipway.status();
  if (phase !== "ready") return `the cluster is ${phase}`;
  if (pods === undefined || pods.ready < pods.total) return `${pods?.ready} of ${pods?.total} pods are ready`;
  return mesh.proxies > 5 && mesh.synced === mesh.proxies ? "whole" : `${mesh.synced} of ${mesh.proxies} in sync`;
}

/** Mulberry32: a small generator whose sequence depends on the seed alone. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffle<Item>(items: readonly Item[], random: () => number): readonly Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
