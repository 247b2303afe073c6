import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LabDefinition, labSchema } from "#api/lab.ts";
import { LabSession } from "./lab-session.ts";
import type { Measurements } from "./measurements.ts";
import { ProgressStore } from "./progress.ts";

const definition: LabDefinition = labSchema.parse({
  id: "example",
  order: 1,
  minutes: 5,
  languages: ["en"],
  traffic: { rate: 1, requests: [{ tag: "browse", path: "/" }] },
  setup: ["setup.yaml"],
  steps: [
    {
      id: "only",
      manifest: "start.yaml",
      solution: ["solution.yaml"],
      checks: [{ id: "everywhere", type: "acknowledged" }],
    },
    { id: "next", solution: ["next.yaml"], checks: [{ id: "everywhere", type: "acknowledged" }] },
  ],
});

type Acknowledgement = Awaited<ReturnType<Measurements["unacknowledged"]>>;
const everybody: Acknowledgement = { proxies: 2, behind: [] };
const oneBehind: Acknowledgement = { proxies: 2, behind: [{ id: "late", why: "not acknowledged yet" }] };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-session-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A session whose measurements are answered by hand, in any order; what it does to the cluster is written down. */
async function openSession() {
  const done: string[] = [];
  const asked: ((answer: Acknowledgement) => void)[] = [];
  const unused = (): never => expect.unreachable();
  const session = new LabSession(
    {
      definition,
      folder,
      texts: new Map(),
      files: new Map(["setup", "start", "solution", "next"].map((name) => [`${name}.yaml`, name])),
    },
    {
      apply: async (yaml) => {
        done.push(`+${yaml}`);
        return { applied: [], problems: [] };
      },
      remove: async (yaml) => void done.push(`-${yaml}`),
      startTraffic: async () => {},
      measurements: {
        unacknowledged: () => new Promise((resolve) => asked.push(resolve)),
        workload: unused,
        exists: unused,
        probe: unused,
        browse: unused,
        call: unused,
        packets: unused,
        edges: unused,
        proxyUse: unused,
      },
    },
    await ProgressStore.open(join(folder, "progress.json")),
  );
  const shown = () => session.view("en").steps[0]!.checks[0]!;
  return { session, asked, shown, done };
}

test("a measurement that another has replaced leaves the newer one's verdict alone", async () => {
  const { session, asked, shown } = await openSession();
  const first = session.check("only");
  const second = session.check("only");
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!(everybody);
  expect(await second).toBe(true);
  asked[0]!(oneBehind);
  await expect(first).rejects.toThrow("cancelled");
  expect(shown()).toMatchObject({ state: "passed", observed: "2 of 2 proxies have it" });
});

test("a measurement that was cancelled waits to be asked for again", async () => {
  const { session, asked, shown } = await openSession();
  const running = session.check("only");
  await expect.poll(() => asked.length).toBe(1);
  session.cancelChecks();
  asked[0]!(everybody);
  await expect(running).rejects.toThrow("cancelled");
  expect(shown()).toMatchObject({ state: "waiting" });
});

test("a lab that was left comes back as it was, with the person's own answers", async () => {
  const { session, asked, done } = await openSession();
  await session.open();
  await session.apply("only", "mine");
  await expect.poll(() => asked.length).toBe(1);
  asked[0]!(everybody);
  await expect.poll(() => session.progress.done).toEqual(["only"]);
  await session.goto("next");
  await session.leave();
  expect(done.splice(0)).toEqual(["+setup", "+mine", "-solution", "-next", "-setup"]);
  await session.leave();
  expect(done).toEqual([]);
  await session.open();
  expect(done).toEqual(["+setup", "+mine"]);
  expect(session.progress).toMatchObject({ current: "next", done: ["only"] });
});
