import { readFile, watch } from "node:fs/promises";
import { dirname } from "node:path";

/** How a version misbehaves on request, for labs that need one that does. */
export interface Faults {
  /** Share of requests, 0 to 1, that are answered with 500. */
  readonly errorRate: number;
  /** Milliseconds added to every answer. */
  readonly delayMs: number;
}

export const noFaults: Faults = { errorRate: 0, delayMs: 0 };

/** Reads faults from JSON; throws with the field that is wrong. */
export function parseFaults(text: string): Faults {
  const value: unknown = JSON.parse(text);
  if (value === null || typeof value !== "object") throw new TypeError("faults must be an object");
  const { errorRate = 0, delayMs = 0 } = value as Record<string, unknown>;
  if (typeof errorRate !== "number" || errorRate < 0 || errorRate > 1)
    throw new RangeError("errorRate must be a number from 0 to 1");
  if (typeof delayMs !== "number" || delayMs < 0 || delayMs > 60_000)
    throw new RangeError("delayMs must be a number from 0 to 60000");
  return { errorRate, delayMs };
}

/**
 * Follows a file that a ConfigMap is mounted as. Such a mount changes by a symbolic link that is swapped, so the folder is
 * watched, and read every two seconds besides, since not every file system tells.
 */
export function followFaults(path: string, onChange: (faults: Faults) => void): void {
  let last = "";
  const read = async (): Promise<void> => {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text === last) return;
    last = text;
    try {
      onChange(text === "" ? noFaults : parseFaults(text));
      console.log(`faults: ${text.trim() || "none"}`);
    } catch (error) {
      console.error(`${path} is ignored: ${(error as Error).message}`);
    }
  };
  void read();
  setInterval(() => void read(), 2000).unref();
  void (async () => {
    for await (const _ of watch(dirname(path))) await read();
  })().catch(() => {}); // no such folder: the timer serves
}
