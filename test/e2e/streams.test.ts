import { afterAll, beforeAll, expect, test } from "vitest";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { streams } from "../differential/cases/streams.ts";
import { rawClient } from "../differential/client.ts";
import { describeDifference, differencesOf } from "../differential/compare.ts";
import { knownAt, knownStreamDifferences } from "../differential/known-differences.ts";
import { play, type Target } from "../differential/play.ts";
import { readRecord } from "../differential/record.ts";
import { Slipway } from "./support/slipway.ts";

/** Logs, commands and ports of pods on the embedded cluster, against what kind answered when it was recorded. */
let slipway: Slipway;
let target: Target;

beforeAll(async () => {
  slipway = await Slipway.create();
  await slipway.must(["up"]);
  const { kubeconfig } = await slipway.status();
  const client = await rawClient(kubeconfigConnection(kubeconfig));
  target = { client, kubeconfig, variables: { image: "slipway/apps:0.1.0" } };
});
afterAll(async () => {
  target?.client.close();
  await slipway?.dispose();
});

test("streams are as on Kubernetes", async () => {
  const record = readRecord(streams.name) ?? new Map();
  const answers = await play(streams, target);
  const found = [...record].flatMap(([step, real]) =>
    differencesOf(real, answers.get(step) ?? { code: 0 })
      .filter(
        (difference) => knownAt(`${streams.name}/${step}: ${difference.path}`, knownStreamDifferences) === undefined,
      )
      .map((difference) => `${step}: ${describeDifference(difference)}`),
  );
  expect([...answers.keys()]).toEqual([...record.keys()]);
  expect(found.join("\n")).toBe("");
});
