import { afterAll, beforeAll, describe } from "vitest";
import { workloadsSuite } from "../suites/workloads.ts";
import { Slipway } from "./support/slipway.ts";

describe("workloads on the embedded cluster", () => {
  let slipway: Slipway;
  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
  });
  afterAll(() => slipway?.dispose());

  workloadsSuite(() => slipway);
});
