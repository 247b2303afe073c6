import type { Duration } from "#gen/xds/google/protobuf/duration.ts";

/** Milliseconds, or undefined when there is no duration. */
export function milliseconds(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return duration.seconds * 1000 + duration.nanos / 1e6;
}
