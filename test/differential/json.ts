export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [member: string]: Json | undefined };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value at `a.b.0.c`; with `*` the values of all items of a list. Undefined if there is none. */
export function valueAt(value: Json | undefined, path: string): Json | undefined {
  return path === "" ? value : find(value, path.split("."));
}

function find(value: Json | undefined, [part, ...rest]: readonly string[]): Json | undefined {
  if (part === undefined) return value;
  if (Array.isArray(value))
    return part === "*" ? value.map((item) => find(item, rest) ?? null) : find(value[Number(part)], rest);
  return isObject(value) ? find(value[part], rest) : undefined;
}

/** A copy without the value at a path; `*` is any item of a list. */
export function without(value: Json, [part, ...rest]: readonly string[]): Json {
  if (part === undefined) return value;
  if (Array.isArray(value)) {
    const fits = (index: number): boolean => part === "*" || Number(part) === index;
    return value.map((item, index) => (!fits(index) ? item : rest.length === 0 ? "<forgotten>" : without(item, rest)));
  }
  if (!isObject(value) || value[part] === undefined) return value;
  if (rest.length > 0) return { ...value, [part]: without(value[part], rest) };
  const { [part]: _, ...others } = value;
  return others;
}
