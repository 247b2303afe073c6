import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { isKnownFormat } from "../custom/formats.ts";
import { isSubdomain, LABEL_1035, SUBDOMAIN } from "../object-meta.ts";
import { duplicate, forbidden, required, unsupported, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";
import { defaultProblems } from "./default-checks.ts";
import { schemaAtPath } from "./field-path.ts";
import { ruleProblems } from "./rule-checks.ts";
import { schemaProblems } from "./schema-rules.ts";
import { structuralProblems } from "./structural-rules.ts";

/** What Kubernetes refuses in a custom resource definition, in its words; `old` when it is an update. */
export function definitionProblems(definition: ApiObject, old: ApiObject | undefined): readonly FieldProblem[] {
  const spec = asObject(definition.spec);
  return [
    ...(old === undefined ? nameProblems(definition) : []),
    ...groupProblems(spec),
    ...versionsProblems(spec, old),
    ...namesProblems(spec),
    ...conversionProblems(asObject(spec.conversion)),
    ...(old === undefined ? [] : immutableProblems(spec, asObject(old.spec), old)),
    ...storedProblems(definition),
    ...approvalProblems(definition, old),
    ...(spec.preserveUnknownFields === true
      ? [
          wrong(
            "spec.preserveUnknownFields",
            true,
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
          ),
        ]
      : []),
  ];
}

function* nameProblems({ metadata, spec }: ApiObject): Generator<FieldProblem> {
  const { group, names } = asObject(spec);
  const name = metadata.name ?? "";
  if (name !== `${asString(asObject(names).plural)}.${asString(group)}`)
    yield wrong("metadata.name", name, 'must be spec.names.plural+"."+spec.group');
}

function* groupProblems({ group, scope }: JsonObject): Generator<FieldProblem> {
  const name = asString(group);
  if (name === "") yield required("spec.group");
  else if (!isSubdomain(name)) yield wrong("spec.group", name, SUBDOMAIN);
  else if (!name.includes(".")) yield wrong("spec.group", name, "should be a domain with at least one dot");
  if (!scope) yield required("spec.scope");
  else if (scope !== "Cluster" && scope !== "Namespaced")
    yield unsupported("spec.scope", scope, ["Cluster", "Namespaced"]);
}

/** Versions that say the same are checked as one, which is how their problems are told. */
interface Said {
  readonly path: string;
  readonly value: Json | undefined;
}

function sayings(versions: readonly JsonObject[], name: string, top: string): readonly Said[] {
  const values = versions.map((version) => version[name]);
  const [first] = values;
  if (first !== undefined && values.every((value) => equalJson(value, first)))
    return [{ path: `spec.${top}`, value: first }];
  return values.map((value, index) => ({ path: `spec.versions[${index}].${name}`, value }));
}

function* versionsProblems(spec: JsonObject, old: ApiObject | undefined): Generator<FieldProblem> {
  const versions = asArray(spec.versions).map(asObject);
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    if (!isObject(asObject(version.schema).openAPIV3Schema)) yield required(`${at}.schema.openAPIV3Schema`);
    if (!isLabel(asString(version.name))) yield wrong(`${at}.name`, version.name ?? "", LABEL_1035);
    if (version.deprecated !== true && typeof version.deprecationWarning === "string")
      yield wrong(`${at}.deprecationWarning`, version.deprecationWarning, "can only be set for deprecated versions");
  }
  yield* schemasProblems(versions, old);
  for (const { path, value } of sayings(versions, "subresources", "subresources"))
    yield* scaleProblems(asObject(asObject(value).scale), path, isObject(asObject(value).scale));
  for (const { path, value } of sayings(versions, "additionalPrinterColumns", "additionalPrinterColumns"))
    for (const [index, column] of asArray(value).entries())
      yield* columnProblems(asObject(column), `${path}[${index}]`);
  for (const { path, value } of sayings(versions, "selectableFields", "selectableFields"))
    yield* selectableProblems(asArray(value), schemaBeside(versions, path), path);
  const names = versions.map(({ name }) => asString(name));
  const shown = (spec.versions ?? null) === null ? null : versions.map(asShown);
  if (new Set(names).size < names.length) yield wrong("spec.versions", shown, "must contain unique version names");
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    yield wrong("spec.versions", shown, "must have exactly one version marked as storage version");
  const [first] = names;
  if (first !== undefined && !isLabel(first)) yield wrong("spec.version", first, LABEL_1035);
}

/** As the API server's own words show a version: what all of them have in common stands elsewhere. */
const asShown = (version: JsonObject): JsonObject => ({
  Name: version.name ?? "",
  Served: version.served ?? false,
  Storage: version.storage ?? false,
  Deprecated: version.deprecated ?? false,
  DeprecationWarning: version.deprecationWarning ?? null,
  Schema: null,
  Subresources: null,
  AdditionalPrinterColumns: null,
  SelectableFields: null,
});

function schemaBeside(versions: readonly JsonObject[], path: string): JsonObject {
  const index = Number(/^spec\.versions\[(\d+)\]/.exec(path)?.[1] ?? 0);
  return asObject(asObject(versions[index]?.schema).openAPIV3Schema);
}

/** A schema that an update leaves as it was is not judged again. */
function* schemasProblems(versions: readonly JsonObject[], old: ApiObject | undefined): Generator<FieldProblem> {
  const before = asArray(asObject(old?.spec).versions).map((version) => asObject(version).schema);
  for (const { path, value } of sayings(versions, "schema", "validation")) {
    const schema = asObject(value).openAPIV3Schema;
    if (!isObject(schema) || before.some((one) => equalJson(one, value))) continue;
    const at = `${path}.openAPIV3Schema`;
    if (schema.nullable === true) yield forbidden(`${at}.nullable`, "nullable cannot be true at the root");
    yield* schemaVerdict(schema, at);
  }
}

function schemaVerdict(schema: JsonObject, at: string): readonly FieldProblem[] {
  const keywords = schemaProblems(schema, at);
  const structural = hasUnknownKeywords(keywords) ? [] : structuralProblems(schema, at);
  if (structural.length > 0) return [...structural, ...keywords];
  const defaults = hasUnknownKeywords(keywords) ? [] : defaultProblems(schema, at);
  if (defaults.length > 0) return [...defaults, ...keywords];
  return keywords.length > 0 ? keywords : ruleProblems(schema, at);
}

/** A schema with such keywords is not looked at further: it cannot be read as a structural one. */
const hasUnknownKeywords = (problems: readonly FieldProblem[]): boolean =>
  problems.some(
    ({ message, field }) =>
      / is not supported$/.test(message) ||
      message.includes("must be a schema object") ||
      (field.endsWith(".type") && message.startsWith("Forbidden")),
  );

const isLabel = (text: string): boolean => text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);

function* scaleProblems(scale: JsonObject, path: string, isThere: boolean): Generator<FieldProblem> {
  if (!isThere) return;
  const wanted = [
    ["specReplicasPath", ".spec.", "should be a json path under .spec"],
    ["statusReplicasPath", ".status.", "should be a json path under .status"],
  ] as const;
  for (const [name, prefix, why] of wanted) {
    const at = `${path}.scale.${name}`;
    const value = asString(scale[name]);
    if (value === "") yield required(at);
    else if (!value.startsWith(".")) yield wrong(at, value, "must be a simple json path starting with .");
    else if (!value.startsWith(prefix)) yield wrong(at, value, why);
  }
  const selector = asString(scale.labelSelectorPath);
  const at = `${path}.scale.labelSelectorPath`;
  if (selector !== "" && !selector.startsWith("."))
    yield wrong(at, selector, "must be a simple json path starting with .");
  else if (selector !== "" && !/^\.(spec|status)\./.test(selector))
    yield wrong(at, selector, "should be a json path under either .spec or .status");
}

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

function* columnProblems({ name, type, format, jsonPath }: JsonObject, path: string): Generator<FieldProblem> {
  const types = `must be one of ${COLUMN_TYPES.join(",")}`;
  if (!name) yield required(`${path}.name`);
  if (!type) yield required(`${path}.type`, types);
  else if (!COLUMN_TYPES.includes(asString(type))) yield wrong(`${path}.type`, type, types);
  if (format && !COLUMN_FORMATS.includes(asString(format)))
    yield wrong(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`);
  if (!jsonPath) yield required(`${path}.JSONPath`);
  else if (!asString(jsonPath).startsWith("."))
    yield wrong(`${path}.JSONPath`, jsonPath, "must be a simple json path starting with .");
}

const MOST_SELECTABLE = 8;

function* selectableProblems(fields: readonly Json[], schema: JsonObject, path: string): Generator<FieldProblem> {
  const seen = new Set<string>();
  for (const [index, one] of fields.entries()) {
    const at = `${path}[${index}].jsonPath`;
    const text = asString(asObject(one).jsonPath);
    if (text === "") {
      yield required(at);
      continue;
    }
    const found = schemaAtPath(text, schema, false);
    if ("problem" in found) {
      yield wrong(at, text, `is an invalid path: ${found.problem}`);
      continue;
    }
    if (found.parts[0] === "metadata") yield wrong(at, text, "must not point to fields in metadata");
    if (!["string", "boolean", "integer"].includes(asString(found.schema.type)))
      yield wrong(
        at,
        text,
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
      );
    if (seen.has(found.path)) yield duplicate(at, text);
    seen.add(found.path);
  }
  if (seen.size > MOST_SELECTABLE)
    yield {
      field: path,
      message: `Too many: ${seen.size}: must have at most ${MOST_SELECTABLE} items`,
      reason: "FieldValueTooMany",
    };
}

function* namesProblems(spec: JsonObject): Generator<FieldProblem> {
  const names = asObject(spec.names);
  for (const name of ["plural", "singular", "kind", "listKind"]) if (!names[name]) yield required(`spec.names.${name}`);
  const mixed = "may have mixed case, but should otherwise match: ";
  for (const name of ["plural", "singular"])
    if (names[name] && !isLabel(asString(names[name]))) yield wrong(`spec.names.${name}`, names[name], LABEL_1035);
  for (const name of ["kind", "listKind"])
    if (names[name] && !isLabel(asString(names[name]).toLowerCase()))
      yield wrong(`spec.names.${name}`, names[name], mixed + LABEL_1035);
  for (const [index, name] of asArray(names.shortNames).entries())
    if (!isLabel(asString(name))) yield wrong(`spec.names.shortNames[${index}]`, name, LABEL_1035);
  if (names.kind && names.kind === names.listKind)
    yield wrong("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  for (const [index, name] of asArray(names.categories).entries())
    if (!isLabel(asString(name))) yield wrong(`spec.names.categories[${index}]`, name, LABEL_1035);
}

function* conversionProblems({ strategy, webhook }: JsonObject): Generator<FieldProblem> {
  const [client, versions] = ["spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"];
  if (strategy !== "None" && strategy !== "Webhook")
    yield unsupported("spec.conversion.strategy", strategy, ["None", "Webhook"]);
  const { clientConfig, conversionReviewVersions } = asObject(webhook);
  if (strategy !== "Webhook") {
    const why = "should not be set when strategy is not set to Webhook";
    if (clientConfig !== undefined) yield forbidden(client, why);
    if (asArray(conversionReviewVersions).length > 0) yield forbidden(versions, why);
    return;
  }
  if (!isObject(clientConfig)) yield required(client, "required when strategy is set to Webhook");
  else if ((clientConfig.url === undefined) === (clientConfig.service === undefined))
    yield required(client, "exactly one of url or service is required");
  const asked = asArray(conversionReviewVersions);
  if (asked.length === 0) yield required(versions);
  else if (!asked.some((version) => version === "v1" || version === "v1beta1"))
    yield wrong(versions, asked, "must include at least one of v1, v1beta1");
}

function* immutableProblems(spec: JsonObject, before: JsonObject, old: ApiObject): Generator<FieldProblem> {
  const [names, were] = [asObject(spec.names), asObject(before.names)];
  const isEstablished = asArray(asObject(old.status).conditions).some(
    (one) => asObject(one).type === "Established" && asObject(one).status === "True",
  );
  const why = "field is immutable";
  if (isEstablished && spec.scope !== before.scope) yield wrong("spec.scope", spec.scope, why);
  if (isEstablished && names.kind !== were.kind) yield wrong("spec.names.kind", names.kind, why);
  if (spec.group !== before.group) yield wrong("spec.group", spec.group, why);
  if (names.plural !== were.plural) yield wrong("spec.names.plural", names.plural, why);
}

function* storedProblems({ spec, status }: ApiObject): Generator<FieldProblem> {
  const path = "status.storedVersions";
  const stored = asArray(asObject(status).storedVersions).map(asString);
  const versions = asArray(asObject(spec).versions).map(asObject);
  if (stored.length === 0) {
    yield wrong(path, null, "must have at least one stored version");
    return;
  }
  const left = new Set(stored);
  for (const { name, storage } of versions)
    if (!left.delete(asString(name)) && storage === true)
      yield wrong(path, stored, `must have the storage version ${asString(name)}`);
  for (const [index, name] of stored.entries())
    if (!versions.some((version) => version.name === name))
      yield wrong(
        `${path}[${index}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      );
}

const APPROVAL = "api-approved.kubernetes.io";
const APPROVAL_DOC = "see https://github.com/kubernetes/enhancements/pull/1111";

/** Groups of the project itself need its approval. */
function* approvalProblems({ metadata, spec }: ApiObject, old: ApiObject | undefined): Generator<FieldProblem> {
  const group = asString(asObject(spec).group);
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return;
  const note = metadata.annotations?.[APPROVAL];
  if (old !== undefined && old.metadata.annotations?.[APPROVAL] === note) return;
  const path = `metadata.annotations[${APPROVAL}]`;
  const needs = `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}`;
  if (note === undefined || note === "") yield required(path, `${needs}, ${APPROVAL_DOC}`);
  else if (!note.startsWith("unapproved") && !/^https?:\/\/\S+\.\S+/.test(note))
    yield wrong(path, note, `${needs} with either a URL or a reason starting with "unapproved", ${APPROVAL_DOC}`);
}

/** What a definition says to no effect. */
export function definitionWarnings({ spec }: ApiObject): readonly string[] {
  const schemas = asArray(asObject(spec).versions).map((version) => asObject(asObject(version).schema).openAPIV3Schema);
  return [...new Set(schemas.filter(isObject).flatMap(unknownFormats))].map(
    (format) => `unrecognized format ${JSON.stringify(format)}`,
  );
}

function unknownFormats(schema: JsonObject): readonly string[] {
  const { type, format, items, additionalProperties, properties } = schema;
  const own = typeof format === "string" && format !== "" && !isKnownFormat(asString(type), format) ? [format] : [];
  const parts = [items, additionalProperties, ...Object.values(asObject(properties))].filter(isObject);
  return [...own, ...parts.flatMap(unknownFormats)];
}
