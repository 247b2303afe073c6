import { RE2JS } from "re2js";
import { parseDuration } from "../model/duration.ts";

const durationFields: ReadonlySet<string> = new Set([
  "timeout",
  "perTryTimeout",
  "backoff",
  "fixedDelay",
  "maxAge",
  "connectTimeout",
  "idleTimeout",
  "maxConnectionDuration",
  "interval",
  "baseEjectionTime",
  "ttl",
]);

/**
 * What a schema does not see and every proxy would refuse: durations that are none and regular expressions outside RE2's syntax.
 * Each with its place in the specification.
 */
export function findMistakes(value: unknown, path = "spec"): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => findMistakes(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => {
    if (typeof child !== "string") return findMistakes(child, `${path}.${name}`);
    if (name === "regex") return mistakeOf(`${path}.${name}`, () => RE2JS.compile(child));
    return durationFields.has(name) ? mistakeOf(`${path}.${name}`, () => parseDuration(child)) : [];
  });
}

function mistakeOf(path: string, parse: () => unknown): readonly string[] {
  try {
    parse();
    return [];
  } catch (error) {
    return [`${path}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
