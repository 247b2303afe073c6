import { isObject, type Json, type JsonObject } from "./json.ts";

/** Documents of OpenAPI v3 in which the built-in kinds of the embedded API server are. */
export const documents = [
  "api/v1",
  ..."admissionregistration.k8s.io apiextensions.k8s.io apps batch certificates.k8s.io coordination.k8s.io discovery.k8s.io networking.k8s.io policy rbac.authorization.k8s.io scheduling.k8s.io storage.k8s.io"
    .split(" ")
    .map((group) => `apis/${group}/v1`),
  "apis/autoscaling/v1",
  "apis/autoscaling/v2",
];

const roots =
  /^(api\.core\.v1\.(Namespace|Node|Pod|Service|Endpoints|ConfigMap|Secret|ServiceAccount|Event|PersistentVolume|PersistentVolumeClaim|LimitRange|ResourceQuota|Binding)|api\.apps\.v1\.(Deployment|ReplicaSet|DaemonSet|StatefulSet|ControllerRevision)|api\.batch\.v1\.(Job|CronJob)|api\.discovery\.v1\.EndpointSlice|api\.networking\.v1\.(Ingress|IngressClass|NetworkPolicy)|api\.policy\.v1\.(PodDisruptionBudget|Eviction)|api\.autoscaling\.v1\.Scale|api\.autoscaling\.v2\.HorizontalPodAutoscaler|api\.coordination\.v1\.Lease|api\.scheduling\.v1\.PriorityClass|api\.storage\.v1\.StorageClass|api\.rbac\.v1\.(Role|RoleBinding|ClusterRole|ClusterRoleBinding)|api\.admissionregistration\.v1\.(Mutating|Validating)WebhookConfiguration|apiextensions-apiserver\.pkg\.apis\.apiextensions\.v1\.CustomResourceDefinition|api\.certificates\.v1\.CertificateSigningRequest)$/;

/**
 * The fields of the built-in kinds as a table, a type a line: `Type field=type …`. What the letters mean is said where the table is
 * read, in cluster/embedded/apiserver/fields/built-in-shapes.ts.
 */
export function factsOf(schemas: ReadonlyMap<string, JsonObject>): readonly string[] {
  const lines = new Map<string, string>();
  const open = [...schemas.keys()].filter((name) => roots.test(withoutPrefix(name)));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (lines.has(name)) continue;
    const schema = schemas.get(name) ?? {};
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    const fields = Object.entries(isObject(schema.properties) ? schema.properties : {}).map(([field, property]) => {
      const { text, refers } = typeOf(isObject(property) ? property : {}, schemas);
      open.push(...refers);
      return `${field}${required.has(field) ? "!" : ""}=${text}`;
    });
    lines.set(name, [`${idOf(name)}${atomic(schema)}`, ...fields].join(" "));
  }
  return [...lines.values()].sort();
}

const withoutPrefix = (name: string): string => name.replace(/^io\.k8s\./, "");
const atomic = (schema: JsonObject): string => (schema["x-kubernetes-map-type"] === "atomic" ? "@" : "");

/** `io.k8s.api.apps.v1.Deployment` -> `apps.v1.Deployment`; meta and apiextensions likewise. */
const idOf = (name: string): string => name.replace(/^io\.k8s\.(.*\.)?(?=[a-z]+\.v\d+\.)/, "");

interface Typed {
  readonly text: string;
  readonly refers: readonly string[];
}

const leaf = (text: string): Typed => ({ text, refers: [] });

function typeOf(property: JsonObject, schemas: ReadonlyMap<string, JsonObject>): Typed {
  const base = plainType(property, schemas);
  const { default: value } = property;
  const isStruct = isObject(value) && Object.keys(value).length === 0;
  const says = value === undefined || isStruct || value === "" || value === 0 || value === false || isObject(value);
  return { ...base, text: `${base.text}${isStruct ? "." : ""}${says ? "" : `:${String(value)}`}` };
}

function plainType(property: JsonObject, schemas: ReadonlyMap<string, JsonObject>): Typed {
  const reference = referenceOf(property);
  if (reference !== undefined) return referred(reference, schemas);
  const { type, format, items, additionalProperties } = property;
  if (type === "array") {
    const inner = typeOf(isObject(items) ? { ...items, default: undefined } : {}, schemas);
    return { ...inner, text: `[${listOf(property)}${inner.text}` };
  }
  if (isObject(additionalProperties)) {
    const inner = typeOf({ ...additionalProperties, default: undefined }, schemas);
    return { ...inner, text: `{${atomic(property)}${inner.text}` };
  }
  if (type === "string")
    return leaf(format === "date-time" ? "t" : format === "byte" ? "y" : format === "int-or-string" ? "q" : "s");
  if (type === "integer") return leaf(format === "int64" ? "l" : "i");
  if (type === "number") return leaf("n");
  if (type === "boolean") return leaf("b");
  return leaf("*");
}

/** How a list merges: `(keys)` or `(*)` for a set, then `~key` for strategic merge patches where it has one of its own. */
function listOf(property: JsonObject): string {
  const kind = property["x-kubernetes-list-type"];
  const keys = property["x-kubernetes-list-map-keys"];
  const strategy = String(property["x-kubernetes-patch-strategy"] ?? "");
  const mergeKey = String(property["x-kubernetes-patch-merge-key"] ?? "");
  const list = kind === "map" && Array.isArray(keys) ? `(${keys.join(",")})` : kind === "set" ? "(*)" : "";
  return `${list}${strategy.includes("merge") ? `~${mergeKey};` : ""}`;
}

function referenceOf(property: JsonObject): string | undefined {
  const [first] = Array.isArray(property.allOf) ? property.allOf : [];
  const reference = property.$ref ?? (isObject(first) ? first.$ref : undefined);
  return typeof reference === "string" ? reference.split("/").at(-1) : undefined;
}

/** Named types without fields are scalars of a special form, or anything at all. */
function referred(name: string, schemas: ReadonlyMap<string, JsonObject>): Typed {
  const schema = schemas.get(name) ?? {};
  if (schema.properties !== undefined) return { text: idOf(name), refers: [name] };
  if (/\.Quantity$/.test(name)) return leaf("Q");
  if (/\.IntOrString$/.test(name)) return leaf("q");
  if (/\.(Time|MicroTime)$/.test(name)) return leaf("t");
  if (schema.type === "string") return leaf("s");
  return leaf("*");
}

/** All named types of some documents. */
export function schemasOf(texts: readonly string[]): ReadonlyMap<string, JsonObject> {
  const result = new Map<string, JsonObject>();
  for (const text of texts) {
    const document = JSON.parse(text) as { components?: { schemas?: Record<string, Json> } };
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {}))
      if (isObject(schema)) result.set(name, schema);
  }
  return result;
}
