import { afterAll, beforeAll, describe } from "vitest";
import { kubectlSuite } from "../suites/kubectl.ts";
import { Slipway } from "./support/slipway.ts";

describe("kubectl on the embedded cluster", () => {
  let slipway: Slipway;

  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
  });
  afterAll(() => slipway?.dispose());

  kubectlSuite(() => slipway);
});
