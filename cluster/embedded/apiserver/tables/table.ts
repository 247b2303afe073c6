import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type Json, type JsonObject } from "../../machinery/json.ts";
import { isCustom } from "../custom-kinds.ts";
import { bucketOf, type Kind } from "../kinds.ts";
import { age, type Column } from "./column.ts";
import { eventColumns, otherColumns } from "./others.ts";
import { podColumns, widePodColumns } from "./pods.ts";
import { serviceColumns } from "./services.ts";
import { workloadColumns } from "./workloads.ts";

export interface TableOptions {
  /** Of the list, or the object's revision. */
  readonly metadata: object;
  /** How much of each object comes along. */
  readonly include: "None" | "Metadata" | "Object";
}

/** What `kubectl get` prints. Columns as Kubernetes has them. */
export function tableOf(kind: Kind, objects: readonly ApiObject[], { metadata, include }: TableOptions): JsonObject {
  const columns = columnsOf(kind);
  const rows = objects.map((object) => ({
    cells: columns.map((column) => column.value(object)),
    object: included(object, include),
  }));
  const isPlain = columns === plainColumns && !isCustom(kind);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: metadata as JsonObject,
    columnDefinitions: columns.map(({ name, type = "string", format = "", priority = 0, description = "" }) => ({
      name,
      type,
      format,
      description,
      priority,
    })),
    rows: isPlain && rows.length === 0 ? null : rows,
  };
}

function included(object: ApiObject, include: TableOptions["include"]): JsonObject | null {
  if (include === "None") return null;
  return (include === "Object" ? object : metadataOnly(object)) as JsonObject;
}

/** An object as its metadata alone. */
export const metadataOnly = ({ metadata }: ApiObject): ApiObject => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata,
});

const nameColumn: Column = { name: "Name", format: "name", value: ({ metadata }) => metadata.name ?? "" };
const ageColumn: Column = { name: "Age", value: ({ metadata }) => age(metadata.creationTimestamp) };
const plainColumns: readonly Column[] = [
  nameColumn,
  { name: "Created At", type: "date", value: ({ metadata }) => metadata.creationTimestamp ?? null },
];
const byBucket: Readonly<Record<string, readonly [readonly Column[], readonly Column[]]>> = {
  "/pods": [podColumns, widePodColumns],
  "/serviceaccounts": [[], []],
  ...workloadColumns,
  ...serviceColumns,
  ...otherColumns,
};

function columnsOf(kind: Kind): readonly Column[] {
  if (isCustom(kind))
    return [
      nameColumn,
      ...(kind.columns.length === 0 ? [{ ...ageColumn, type: "date" }] : customColumns(kind.columns)),
    ];
  const bucket = bucketOf(kind);
  if (bucket === "/events") return eventColumns;
  const known = byBucket[bucket];
  return known === undefined ? plainColumns : [nameColumn, ...known[0], ageColumn, ...known[1]];
}

function customColumns(columns: readonly JsonObject[]): readonly Column[] {
  return columns.map((column) => ({
    name: asString(column.name),
    type: asString(column.type) || "string",
    format: asString(column.format),
    description:
      asString(column.description) ||
      `Custom resource definition column (in JSONPath format): ${asString(column.jsonPath)}`,
    priority: typeof column.priority === "number" ? column.priority : 0,
    value: (object) => cellOf(readPath(object, asString(column.jsonPath)), asString(column.type)),
  }));
}

/** A value as a column of a type shows it; null when it does not fit. */
function cellOf(value: Json | undefined, type: string): Json {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "date":
      return age(typeof value === "string" ? value : undefined);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

/** The simple paths that printer columns use, such as .spec.hosts or .status.conditions[?(@.type=="Ready")].status. */
function readPath(object: ApiObject, path: string): Json | undefined {
  let current: Json | undefined = object as JsonObject;
  const steps = /\.([\w-]+)|\['([^']+)'\]|\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]|\[(\d+)\]/g;
  for (const [, name, quoted, key, wanted, index] of path.replaceAll("\\.", "\u0000").matchAll(steps)) {
    const member = name ?? quoted;
    if (member !== undefined) current = asObject(current)[member.replaceAll("\u0000", ".")];
    else if (key !== undefined) current = asArray(current).find((item) => asObject(item)[key] === wanted);
    else current = asArray(current)[Number(index)];
  }
  return current;
}
