import type { Answer } from "./case.ts";
import { isObject, type Json } from "./json.ts";

export interface Difference {
  /** As `body.metadata.name` or `body.items[0].kind`. */
  readonly path: string;
  readonly real: Json | undefined;
  readonly embedded: Json | undefined;
}

/** Where two answers differ; what the real cluster says comes first. */
export function differencesOf(real: Answer, embedded: Answer): readonly Difference[] {
  // Two answers of different kinds have nothing in common that would be worth telling.
  if (real.code !== embedded.code) return [{ path: "code", real: summary(real), embedded: summary(embedded) }];
  return [...walk(real, embedded, "")];
}

function* walk(real: Json | undefined, embedded: Json | undefined, path: string): Generator<Difference> {
  if (isObject(real) && isObject(embedded)) {
    for (const name of new Set([...Object.keys(real), ...Object.keys(embedded)]))
      yield* walk(real[name], embedded[name], path === "" ? name : `${path}.${name}`);
    return;
  }
  if (!Array.isArray(real) || !Array.isArray(embedded)) {
    if (real !== embedded && !areAges(path, real, embedded)) yield { path, real, embedded };
    return;
  }
  const [left, right] = [byName(real), byName(embedded)];
  if (left !== undefined && right !== undefined) {
    const [names, others] = [
      [...left.keys()].filter((name) => right.has(name)),
      [...right.keys()].filter((name) => left.has(name)),
    ];
    if (names.join() !== others.join()) yield { path: `${path}[order]`, real: names, embedded: others };
    for (const name of new Set([...left.keys(), ...right.keys()]))
      yield* walk(left.get(name), right.get(name), `${path}[${name}]`);
    return;
  }
  for (let index = 0; index < Math.max(real.length, embedded.length); index++)
    yield* walk(real[index], embedded[index], `${path}[${index}]`);
}

/** Cells of a table that tell how old an object is: a second may end between its creation and the question. */
const areAges = (path: string, ...cells: readonly (Json | undefined)[]): boolean =>
  /\.cells\[\d+\]$/.test(path) && cells.every((cell) => typeof cell === "string" && /^\ds$/.test(cell));

function summary({ code, body }: Answer): string {
  const message = isObject(body) ? (body.message ?? body.kind) : body;
  return `${code} ${message === undefined ? "" : String(message)}`.trim();
}

/** Items of lists that have names are compared by them: one that is missing is one difference, not many. */
function byName(list: readonly Json[]): ReadonlyMap<string, Json> | undefined {
  const result = new Map<string, Json>();
  for (const item of list) {
    const name = isObject(item) ? (item.name ?? item.groupVersion) : undefined;
    if (typeof name !== "string" || result.has(name)) return undefined;
    result.set(name, item);
  }
  return result;
}

export const describeDifference = ({ path, real, embedded }: Difference): string =>
  `${path}\n    real:     ${shorten(real)}\n    embedded: ${shorten(embedded)}`;

function shorten(value: Json | undefined): string {
  const text = value === undefined ? "(nothing)" : JSON.stringify(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
