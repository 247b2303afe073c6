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
  steps: [
    { id: "only", manifest: "m.yaml", solution: ["m.yaml"], checks: [{ id: "everywhere", type: "acknowledged" }] },
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

/** A session whose measurements are answered by hand, in any order. */
async function openSession() {
  const asked: ((answer: Acknowledgement) => void)[] = [];
  const unused = (): never => expect.unreachable();
  const session = new LabSession(
    { definition, folder, texts: new Map(), files: new Map([["m.yaml", "a: 1"]]) },
    {
      apply: async () => ({ applied: [], problems: [] }),
      remove: async () => {},
      startTraffic: async () => {},
      measurements: {
        unacknowledged: () => new Promise((resolve) => asked.push(resolve)),
        workload: unused,
        exists: unused,
        probe: unused,
        edges: unused,
      },
    },
    await ProgressStore.open(join(folder, "progress.json")),
  );
  const shown = () => session.view("en").steps[0]!.checks[0]!;
  return { session, asked, shown };
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
