import { asObject, asString, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";
import { pathText } from "./path-text.ts";
import { itemPath, type LeafType, type ListShape, type Shape, type StructShape } from "./shape.ts";

/** Fails when a configuration has fields that its kind does not have, two items with the same keys, or values of other types. */
export function checkTyped(configuration: JsonObject, shape: StructShape): void {
  const problems = [...problemsOf(configuration, shape, "")];
  if (problems.length === 0) return;
  const { name, namespace } = asObject(configuration.metadata);
  const apiVersion = asString(configuration.apiVersion);
  const gv = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
  const text = problems.length === 1 ? problems[0] : `errors:\n${problems.map((one) => `  ${one}`).join("\n")}`;
  throw new StatusError(
    500,
    "",
    `failed to create typed patch object (${asString(namespace)}/${asString(name)}; ${gv}, Kind=${asString(configuration.kind)}): ${text}`,
  );
}

function* problemsOf(value: Json | undefined, shape: Shape, path: string): Generator<string> {
  if (value === undefined || value === null) return;
  if (shape.kind === "leaf") yield* leafProblems(value, shape.type, path);
  if (shape.kind === "list" && Array.isArray(value)) yield* itemProblems(value, shape, path);
  if (!isObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    const inner = shape.kind === "struct" ? (shape.fields.get(name)?.shape ?? shape.others) : undefined;
    if (shape.kind === "struct" && inner === undefined) yield `${path}.${name}: field not declared in schema`;
    const below = shape.kind === "map" ? shape.value : inner;
    if (below !== undefined) yield* problemsOf(member, below, `${path}.${name}`);
  }
}

function* itemProblems(value: readonly Json[], shape: ListShape, path: string): Generator<string> {
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    if (shape.merges === "whole") {
      yield* problemsOf(item, shape.item, `${path}[${index}]`);
      continue;
    }
    const key = itemPath(item, shape);
    const text = pathText([key]);
    if (seen.has(key)) yield `${path}: duplicate entries for key ${text}`;
    seen.add(key);
    yield* problemsOf(item, shape.item, path + text);
  }
}

function* leafProblems(value: Json, type: LeafType, path: string): Generator<string> {
  const found = Array.isArray(value) ? "list" : isObject(value) ? "map" : typeof value;
  const isNumber = type === "int32" || type === "int64" || type === "number";
  if (isNumber && typeof value !== "number") yield `${path}: expected numeric (int or float), got ${found}`;
  if (type === "string" && typeof value !== "string")
    yield `${path}: expected string, got ${found === "number" ? "int" : found}`;
  if (type === "boolean" && typeof value !== "boolean") yield `${path}: expected boolean, got ${found}`;
}
