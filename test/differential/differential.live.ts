import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "./cases/all.ts";
import { describeDifference, differencesOf } from "./compare.ts";
import { play } from "./play.ts";
import { openReal, type RealCluster, settingsOf, whyNotReal } from "./real.ts";
import { readRecord, writeRecord } from "./record.ts";
import { startWebhookServer, type WebhookServer } from "./webhook-server.ts";

/** Asks a real Kubernetes what is recorded. With GOLDEN=write its answers become the record. */
const settings = settingsOf(process.env);
const missing = await whyNotReal(settings);
if (missing !== undefined) console.log(`differential suite: left out, ${missing}`);

describe.skipIf(missing !== undefined)("real Kubernetes answers as recorded", () => {
  let real: RealCluster;
  let hook: WebhookServer;
  beforeAll(async () => {
    hook = await startWebhookServer();
    real = await openReal(settings);
  });
  afterAll(async () => {
    await real?.stop();
    await hook?.stop();
  });

  test.for(cases.map((played) => [played.name, played] as const))("%s", async ([name, played], { skip }) => {
    if (played.needs === "node" && !real.hasNode) skip("pods do not run there");
    if (played.needs === "loopback" && real.hasNode) skip("its API server is in a network of its own");
    const answers = await play(played, { ...real, variables: { ...real.variables, ...hook.variables } });
    if (process.env.GOLDEN === "write") writeRecord(name, answers);
    const record = readRecord(name) ?? new Map();
    const found = [...answers].flatMap(([step, answer]) =>
      differencesOf(answer, record.get(step) ?? { code: 0 }).map(
        (one) => `${name}/${step}: ${describeDifference(one)}`,
      ),
    );
    expect(found.join("\n")).toBe("");
  });
});
