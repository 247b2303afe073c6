import { afterAll, beforeAll, describe } from "vitest";
import { chaosSuite } from "../suites/chaos.ts";
import { Slipway } from "./support/slipway.ts";

describe.runIf(process.getuid?.() === 0)("killed at random, on the embedded cluster", () => {
  let slipway: Slipway;
  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
  });
  afterAll(() => slipway?.dispose());

  chaosSuite({
    ready: () => slipway,
    roots: async () => [(await slipway.status()).processes.cluster ?? 0],
    // API server, controllers and node are one process: with it everything ends, and is started again.
    more: [{ name: "the cluster itself", command: /\/embedded\/main\.js/, serves: true }],
  });
});
