import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { type RawClient, rawClient } from "./client.ts";

const ROUNDS = 2;
const WRITERS = 8;
const LONGEST_ROUND_MS = 300;

let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-kill-"));
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<RawClient> {
  child = spawn(process.execPath, [join(import.meta.dirname, "server-process.ts"), join(folder, "state")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { stdout } = child;
  if (stdout === null) throw new Error("The server has no output.");
  let said = "";
  while (!said.endsWith("\n")) {
    const [chunk] = (await once(stdout, "data")) as [Buffer];
    said += String(chunk);
  }
  const path = join(folder, "kubeconfig");
  await writeFile(path, JSON.parse(said) as string);
  return rawClient(kubeconfigConnection(path));
}

const maps = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const lease = (name: string, holder: string): string =>
  JSON.stringify({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name },
    spec: { holderIdentity: holder },
  });
const json = { "content-type": "application/json" };

/** Creates and changes objects until the server is gone; tells what was acknowledged. */
async function write(client: RawClient, prefix: string, acknowledged: Map<string, string>): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `${prefix}-${count}`;
    try {
      const made = await client.send({ method: "POST", path: maps, headers: json, body: lease(name, "first") });
      if (made.code === 201) acknowledged.set(name, "first");
      const changed = await client.send({
        method: "PUT",
        path: `${maps}/${name}`,
        headers: json,
        body: lease(name, "second"),
      });
      if (changed.code === 200) acknowledged.set(name, "second");
    } catch {
      return;
    }
  }
}

test("no write that was acknowledged is lost when the API server is killed", async () => {
  const acknowledged = new Map<string, string>();
  let client = await start();
  const namespace = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  await client.send({ method: "POST", path: "/api/v1/namespaces", headers: json, body: namespace });
  for (let round = 0; round < ROUNDS; round++) {
    const before = acknowledged.size;
    const writers = Array.from({ length: WRITERS }, (_, index) => write(client, `w${round}-${index}`, acknowledged));
    await pause(50 + Math.random() * LONGEST_ROUND_MS);
    while (acknowledged.size === before) await pause(1);
    child?.kill("SIGKILL");
    if (child !== undefined) await once(child, "exit");
    client.close();
    await Promise.all(writers);
    client = await start();
    const { text } = await client.send({ method: "GET", path: maps });
    const { items } = JSON.parse(text) as {
      items: { metadata: { name: string }; spec: { holderIdentity: string } }[];
    };
    const stored = new Map(items.map(({ metadata, spec }) => [metadata.name, spec.holderIdentity]));
    // A change that nobody heard of may have happened; one that was acknowledged must have.
    const lost = [...acknowledged].filter(([name, holder]) =>
      holder === "second" ? stored.get(name) !== "second" : !stored.has(name),
    );
    expect(lost).toEqual([]);
  }
  client.close();
  child?.stdin?.end();
}, 120_000);
