import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MachineState, machineState, ordinaryUser, Slipway, type SlipwayUser } from "./support/slipway.ts";

const user = await ordinaryUser();
const people: readonly (readonly [string, SlipwayUser | undefined])[] = [
  [process.getuid?.() === 0 ? "root" : "this user", undefined],
  ...(user === undefined ? [] : [["an ordinary user", user] as const]),
];

describe.each(people)("the canary lab as %s", (_, person) => {
  let slipway: Slipway;
  let before: MachineState;

  beforeAll(async () => {
    before = await machineState();
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

  test("every step's checks fail before its solution and hold after it", async () => {
    const output = await slipway.must(["lab", "run", "canary", "--fast", "--prove", "-o", "json"]);
    const result = JSON.parse(output) as {
      readonly steps: readonly { readonly id: string; readonly passed: boolean }[];
    };
    expect(result.steps.map(({ id, passed }) => [id, passed])).toEqual(
      ["dark", "testers", "ten-percent", "half", "everyone", "rollback"].map((id) => [id, true]),
    );
  });

  test("traffic between the services is mutual TLS, and capture is Istio's", async () => {
    const rules = await slipway.kubectl("-n", "shop", "logs", "deploy/storefront", "-c", "istio-init");
    expect(rules).toContain("ISTIO_INBOUND");
    const status = await slipway.status();
    expect(status.mesh.proxies).toBeGreaterThanOrEqual(7);
    expect(status.mesh.synced).toBe(status.mesh.proxies);
  });

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
    process.kill(processes.host, "SIGKILL");
    await expect.poll(() => aliveOf(processes.cluster ?? 0), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => newSince(before), { timeout: 10_000 }).toEqual({ links: [], mounts: [], namespaces: [] });
    await slipway.must(["up"]);
    expect((await slipway.status()).phase).toBe("ready");
  });

  test("down leaves nothing", async () => {
    await slipway.must(["down"]);
    await expect.poll(() => newSince(before), { timeout: 10_000 }).toEqual({ links: [], mounts: [], namespaces: [] });
    const processes = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(processes).not.toContain(slipway.state);
  });
});

/** What is on the machine now and was not before; what others ended meanwhile does not matter. */
async function newSince(before: MachineState): Promise<MachineState> {
  const now = await machineState();
  const fresh = (after: readonly string[], old: readonly string[]): readonly string[] =>
    after.filter((item) => !old.includes(item));
  return {
    links: fresh(now.links, before.links),
    mounts: fresh(now.mounts, before.mounts),
    namespaces: fresh(now.namespaces, before.namespaces),
  };
}

function aliveOf(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
