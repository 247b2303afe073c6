import type { ApiObject } from "../../machinery/api-object.ts";
import { asObject, type Json, type JsonObject } from "../../machinery/json.ts";

/** A column of what `kubectl get` prints. */
export interface Column {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  /** 1 and more only with -o wide. */
  readonly priority?: number;
  readonly value: (object: ApiObject) => Json;
}

export const column = (name: string, value: (object: ApiObject) => Json, more: Partial<Column> = {}): Column => ({
  name,
  value,
  ...more,
});
export const wide = (name: string, value: (object: ApiObject) => Json): Column => ({ name, value, priority: 1 });
export const integer = (name: string, value: (object: ApiObject) => Json): Column => ({
  name,
  value,
  type: "integer",
});

export const statusOf = (object: ApiObject): JsonObject => asObject(object.status);
export const specOf = (object: ApiObject): JsonObject => asObject(object.spec);
export const text = (value: Json | undefined, otherwise = "<none>"): string =>
  value === undefined || value === null || value === "" ? otherwise : String(value);
export const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

/** A time ago, as kubectl shortens it. */
export function age(since: string | undefined, now: number = Date.now()): string {
  const time = since === undefined ? Number.NaN : Date.parse(since);
  return Number.isNaN(time) ? "<unknown>" : duration(now - time);
}

/** Milliseconds as kubectl writes them: two units at most. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 && days % 365 > 0 ? `${years}y${days % 365}d` : `${years}y`;
}

/** A label selector as one line. */
export function selectorText(selector: Json | undefined): string {
  const { matchLabels, matchExpressions } = asObject(selector);
  const labels = labelText(matchLabels, "");
  const terms = Array.isArray(matchExpressions) ? matchExpressions.map((term) => expressionText(asObject(term))) : [];
  return [...(labels === "" ? [] : [labels]), ...terms].join(",") || "<none>";
}

export const labelText = (labels: Json | undefined, otherwise = "<none>"): string =>
  Object.entries(asObject(labels))
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()
    .join(",") || otherwise;

function expressionText({ key, operator, values }: JsonObject): string {
  const list = Array.isArray(values) ? values.map(String).sort().join(",") : "";
  switch (operator) {
    case "Exists":
      return String(key);
    case "DoesNotExist":
      return `!${String(key)}`;
    default:
      return `${String(key)} ${String(operator).toLowerCase()} (${list})`;
  }
}
