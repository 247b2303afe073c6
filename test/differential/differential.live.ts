import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "./cases/all.ts";
import { describeDifference, differencesOf } from "./compare.ts";
import { play } from "./play.ts";
import { openReal, type RealCluster, settingsOf, whyNotReal } from "./real.ts";
import { readRecord, writeRecord } from "./record.ts";

/** Asks a real Kubernetes what is recorded. With GOLDEN=write its answers become the record. */
const settings = settingsOf(process.env);
const missing = await whyNotReal(settings);
if (missing !== undefined) console.log(`differential suite: left out, ${missing}`);

describe.skipIf(missing !== undefined)("real Kubernetes answers as recorded", () => {
  let real: RealCluster;
  beforeAll(async () => {
    real = await openReal(settings);
  });
  afterAll(() => real?.stop());

  test.for(cases.map((played) => [played.name, played] as const))("%s", async ([name, played], { skip }) => {
    if (played.needs === "node" && !real.hasNode) skip("pods do not run there");
    const answers = await play(played, real);
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
