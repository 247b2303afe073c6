import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "./engine.ts";
import { listNodes } from "./nodes.ts";

const recordSchema = z.object({
  /** What kind calls the cluster. */
  kindName: z.string(),
  /** False while it is being made: what a killed start has left is not used. */
  complete: z.boolean(),
});

/** What is remembered of a kind cluster in its state folder. */
export type KindRecord = z.infer<typeof recordSchema>;

const fileIn = (stateFolder: string): string => join(stateFolder, "kind.json");

export async function readRecord(stateFolder: string): Promise<KindRecord | undefined> {
  const text = await readFile(fileIn(stateFolder), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

export async function writeRecord(stateFolder: string, record: KindRecord): Promise<void> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  await writeFile(`${fileIn(stateFolder)}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${fileIn(stateFolder)}.new`, fileIn(stateFolder));
}

/** A name that no cluster of the engine has: other state folders may have a cluster of the same name. */
export async function freeName(engine: Engine, name: string): Promise<string> {
  const plain = `slipway-${name}`;
  const taken = (await listNodes(engine, plain)).length > 0;
  return taken ? `${plain}-${randomBytes(3).toString("hex")}` : plain;
}
