import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "./case.ts";

/** What real Kubernetes answered when it was last asked (npm run test:differential with GOLDEN=write), a file a case. */
export function readRecord(name: string): ReadonlyMap<string, Answer> | undefined {
  const file = fileOf(name);
  if (!existsSync(file)) return undefined;
  return new Map(Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Answer>));
}

export function writeRecord(name: string, answers: ReadonlyMap<string, Answer>): void {
  writeFileSync(fileOf(name), `${JSON.stringify(Object.fromEntries(answers), null, 1)}\n`);
}

const fileOf = (name: string): string => join(import.meta.dirname, "recorded", `${name}.json`);
