import { type Document, isMap, isScalar, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { KubeObject } from "#api/kinds/object.ts";
import type { Problem } from "#api/problem.ts";

/** One object of a manifest, with the way back from its fields to the lines of the text. */
export interface ManifestObject {
  readonly object: KubeObject;
  /** Line and column (from 1) of a field such as spec.http[0].route[1].weight, or of the nearest parent that the text has. */
  locate(field: string): { readonly line: number; readonly column: number };
}

export interface Manifest {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly Problem[];
}

/** Reads a YAML text of one or several objects. Lists (kind: List) are taken apart; empty documents are skipped. */
export function parseManifest(text: string): Manifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  const objects: ManifestObject[] = [];
  const problems: Problem[] = [];
  for (const document of Array.isArray(documents) ? documents : []) {
    for (const error of document.errors) {
      const [first = error.message] = error.message.split("\n");
      problems.push({
        severity: "error",
        code: "MANIFEST_SYNTAX",
        message: first.replace(/ at line \d+, column \d+:?$/, ""),
        ...at(error.pos[0], lines),
      });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    if (isScalar(document.contents) && document.contents.value === null) continue;
    readDocument(document, { lines, objects, problems });
  }
  return { objects, problems };
}

function readDocument(
  document: Document.Parsed,
  into: { lines: LineCounter; objects: ManifestObject[]; problems: Problem[] },
): void {
  const { lines, objects, problems } = into;
  const value: unknown = document.toJS();
  const items = isList(value)
    ? value.items.map((item, index) => ({ item, path: ["items", index] }))
    : [{ item: value, path: [] }];
  for (const { item, path } of items) {
    const locate = (field: string): { line: number; column: number } =>
      at(offsetOf(document, [...path, ...splitField(field)]), lines);
    const missing = whatIsMissing(item);
    if (missing === undefined) objects.push({ object: item as KubeObject, locate });
    else
      problems.push({
        severity: "error",
        code: "MANIFEST_SCHEMA",
        message: missing.message,
        field: missing.field,
        ...locate(missing.field),
      });
  }
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    value.kind === "List" &&
    "items" in value &&
    Array.isArray(value.items)
  );
}

function whatIsMissing(item: unknown): { readonly message: string; readonly field: string } | undefined {
  if (typeof item !== "object" || item === null || Array.isArray(item))
    return { message: "this is no Kubernetes object", field: "" };
  const { apiVersion, kind, metadata } = item as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown; generateName?: unknown } | null;
  };
  if (typeof apiVersion !== "string" || apiVersion === "")
    return { message: "apiVersion is missing", field: "apiVersion" };
  if (typeof kind !== "string" || kind === "") return { message: "kind is missing", field: "kind" };
  if (typeof metadata !== "object" || metadata === null) return { message: "metadata is missing", field: "metadata" };
  if (typeof metadata.name !== "string" || metadata.name === "")
    return { message: "metadata.name is missing", field: "metadata.name" };
  return undefined;
}

/** `spec.http[0].match` and `spec.http.0.match` as a path; quoted keys in brackets (`labels["a.b/c"]`) stay whole. */
export function splitField(field: string): readonly (string | number)[] {
  const parts = field.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, name]) => quoted ?? (index === undefined ? (name ?? "") : Number(index)));
}

/** Where the deepest part of the path that the text has begins; for a field of a map, its key. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else {
      const child =
        node !== null && "get" in node && typeof node.get === "function"
          ? (node.get(Number(part), true) as Node | undefined)
          : undefined;
      if (child === undefined) break;
      offset = child.range?.[0] ?? offset;
      node = child;
    }
  }
  return offset;
}

function at(offset: number, lines: LineCounter): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
