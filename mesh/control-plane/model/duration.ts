import { z } from "zod";
import type { Duration } from "#gen/xds/google/protobuf/duration.ts";

const part = /(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/gy;
const nanosecondsOf: Readonly<Record<string, number>> = {
  h: 3.6e12,
  m: 6e10,
  s: 1e9,
  ms: 1e6,
  us: 1e3,
  µs: 1e3,
  ns: 1,
};

/** A duration as manifests write it (`1.5s`, `1h30m`, `200ms`). Throws if the text is no duration. */
export function parseDuration(text: string): Duration {
  let nanoseconds = 0;
  let end = 0;
  for (const match of text.matchAll(part)) {
    nanoseconds += Number(match[1]) * (nanosecondsOf[match[2] ?? ""] ?? 0);
    end = match.index + match[0].length;
  }
  if (end !== text.length || text.length === 0)
    throw new Error(`"${text}" is not a duration such as 500ms, 2s or 1m30s`);
  return { seconds: Math.floor(nanoseconds / 1e9), nanos: Math.round(nanoseconds % 1e9) };
}

/** A duration in a manifest, as it is written there. */
export const durationText = z.string().refine(isDuration, "is no duration such as 500ms, 2s or 1m30s");

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}

export const milliseconds = (text: string): number => {
  const { seconds: whole, nanos } = parseDuration(text);
  return whole * 1000 + nanos / 1e6;
};

export const seconds = (value: number): Duration => ({ seconds: value, nanos: 0 });
