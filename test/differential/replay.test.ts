import { afterAll, beforeAll, expect, test } from "vitest";
import { cases } from "./cases/all.ts";
import { describeDifference, differencesOf } from "./compare.ts";
import { startEmbedded } from "./embedded.ts";
import { knownAt, knownDifferences } from "./known-differences.ts";
import { play } from "./play.ts";
import { readRecord } from "./record.ts";
import { startWebhookServer, type WebhookServer } from "./webhook-server.ts";

/** The embedded API server answers as Kubernetes did when it was recorded. */
let hook: WebhookServer;
let embedded: Awaited<ReturnType<typeof startEmbedded>>;
const met = new Set<unknown>();

beforeAll(async () => {
  hook = await startWebhookServer();
  embedded = await startEmbedded();
});
afterAll(async () => {
  await embedded?.stop();
  await hook?.stop();
});

const replayed = cases.filter(({ needs }) => needs !== "node");

test.each(replayed.map((played) => [played.name, played] as const))("%s", async (name, played) => {
  const record = readRecord(name);
  if (record === undefined) throw new Error(`nothing is recorded for ${name}: GOLDEN=write npm run test:differential`);
  const answers = await play(played, { ...embedded, variables: hook.variables });
  const found: string[] = [];
  for (const [step, real] of record) {
    for (const difference of differencesOf(real, answers.get(step) ?? { code: 0 })) {
      const known = knownAt(`${name}/${step}: ${difference.path}`);
      if (known === undefined) found.push(`${name}/${step}: ${describeDifference(difference)}`);
      else met.add(known);
    }
  }
  expect([...answers.keys()]).toEqual([...record.keys()]);
  expect(found.join("\n")).toBe("");
});

test("every known difference is still one", () => {
  expect(knownDifferences.filter((known) => !met.has(known)).map(({ at }) => at)).toEqual([]);
});
