import { afterAll, beforeAll, describe } from "vitest";
import { labsSuite } from "../suites/labs.ts";
import { Slipway } from "./support/slipway.ts";

describe("the labs on the embedded cluster", () => {
  let slipway: Slipway;
  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
  });
  afterAll(() => slipway?.dispose());

  labsSuite({ ready: () => slipway, prove: true, enforcesNetworkPolicy: async () => true });
});
