import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canarySuite } from "../suites/canary.ts";
import { leftOf, ordinaryUser, Slipway, type SlipwayUser, tracesOf } from "./support/slipway.ts";

const user = await ordinaryUser();
const people: readonly (readonly [string, SlipwayUser | undefined])[] = [
  [process.getuid?.() === 0 ? "root" : "this user", undefined],
  ...(user === undefined ? [] : [["an ordinary user", user] as const]),
];

describe.each(people)("the canary lab as %s", (_, person) => {
  let slipway: Slipway;

  beforeAll(async () => {
    slipway = await Slipway.create(person);
    await slipway.must(["up"]);
  });
  afterAll(() => slipway.dispose());

  test("status names provider, kubeconfig, interface and processes", async () => {
    const status = await slipway.status();
    expect(status).toMatchObject({ running: true, phase: "ready", provider: "embedded" });
    expect(status.kubeconfig).toContain(slipway.state);
    expect(status.interface).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=/);
    expect(status.processes.host).toBeGreaterThan(1);
  });

  canarySuite(() => slipway);

  test("state survives a restart, and the lab goes on where it was", async () => {
    await slipway.must(["down"]);
    await slipway.must(["up"]);
    const labs = JSON.parse(await slipway.must(["lab", "list", "-o", "json"])) as readonly {
      readonly id: string;
      readonly stepsDone: number;
    }[];
    expect(labs.find((lab) => lab.id === "canary")?.stepsDone).toBe(6);
    expect(await slipway.kubectl("-n", "shop", "get", "virtualservice", "cart", "-o", "name")).toContain("cart");
  });

  test("kill -9 leaves nothing, and the next start works", async () => {
    const { processes } = await slipway.status();
    const traces = await tracesOf(processes.host);
    // Eight pods, each in a namespace of its own, and the cluster's.
    expect(traces.namespaces.length).toBeGreaterThanOrEqual(9);
    process.kill(processes.host, "SIGKILL");
    await expect.poll(() => leftOf(traces, slipway.state), { timeout: 20_000 }).toEqual([]);
    await slipway.must(["up"]);
    expect((await slipway.status()).phase).toBe("ready");
  });

  test("down leaves nothing", async () => {
    const traces = await tracesOf((await slipway.status()).processes.host);
    await slipway.must(["down"]);
    await expect.poll(() => leftOf(traces, slipway.state), { timeout: 20_000 }).toEqual([]);
  });
});
