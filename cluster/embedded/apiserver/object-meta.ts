import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, cloneJson, isObject, type JsonObject } from "../machinery/json.ts";
import type { Kind } from "./kinds.ts";
import type { FieldProblem } from "./status.ts";

export const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const invalidValue = (field: string, value: string, why: string): FieldProblem => ({
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
export const isSubdomain = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);

/** What Kubernetes refuses in an object's metadata: names, labels, annotations, finalizers. */
export const metadataProblems = (kind: Kind, { metadata }: ApiObject): readonly FieldProblem[] => [
  ...nameProblems(kind, metadata.name ?? ""),
  ...objectMetaProblems(metadata as JsonObject, "metadata"),
];

/** The same of metadata that is anywhere, without its name. */
export const objectMetaProblems = (metadata: JsonObject, path: string): readonly FieldProblem[] => [
  ...Object.entries(asObject(metadata.labels)).flatMap(([key, value]) => [
    ...keyProblems(`${path}.labels`, key),
    ...labelValueProblems(`${path}.labels`, String(value)),
  ]),
  ...Object.keys(asObject(metadata.annotations)).flatMap((key) => keyProblems(`${path}.annotations`, key)),
  ...annotationSize(metadata, path),
  ...asArray(metadata.finalizers).flatMap((finalizer, index) =>
    finalizerProblems(`${path}.finalizers[${index}]`, String(finalizer)),
  ),
];

const MAX_ANNOTATIONS = 256 * 1024;

function annotationSize({ annotations }: JsonObject, path: string): readonly FieldProblem[] {
  const size = Object.entries(asObject(annotations)).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  return size > MAX_ANNOTATIONS ? [tooLong(`${path}.annotations`, MAX_ANNOTATIONS)] : [];
}

export const tooLong = (field: string, most: number): FieldProblem => ({
  field,
  message: `Too long: may not be more than ${most} bytes`,
  reason: "FieldValueTooLong",
});

/** Qualified names: an optional domain, then a name. */
export function keyProblems(field: string, key: string): readonly FieldProblem[] {
  const slash = key.indexOf("/");
  const [domain, name] = slash === -1 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const problems: FieldProblem[] = [];
  if (domain !== undefined && !isSubdomain(domain))
    problems.push(
      invalidValue(field, key, domain === "" ? "prefix part must be non-empty" : `prefix part ${SUBDOMAIN}`),
    );
  if (name === "") problems.push(invalidValue(field, key, "name part must be non-empty"));
  else if (name.length > 63) problems.push(invalidValue(field, key, "name part must be no more than 63 bytes"));
  if (!/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name)) problems.push(invalidValue(field, key, NAME_PART));
  return problems;
}

export function labelValueProblems(field: string, value: string): readonly FieldProblem[] {
  if (value.length > 63) return [invalidValue(field, value, "must be no more than 63 bytes")];
  const fits = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value);
  return fits ? [] : [invalidValue(field, value, LABEL_VALUE)];
}

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function finalizerProblems(field: string, finalizer: string): readonly FieldProblem[] {
  const problems = keyProblems(field, finalizer);
  if (problems.length > 0 || finalizer.includes("/") || standardFinalizers.has(finalizer)) return problems;
  return [invalidValue(field, finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
}

/** Kinds whose names become host names or paths have stricter or looser rules than the others. */
function nameProblems(kind: Kind, name: string): readonly FieldProblem[] {
  const field = "metadata.name";
  if (kind.group === "rbac.authorization.k8s.io") {
    if (name === "." || name === "..") return [invalidValue(field, name, `may not be '${name}'`)];
    const bad = ["/", "%"].find((sign) => name.includes(sign));
    return bad === undefined ? [] : [invalidValue(field, name, `may not contain '${bad}'`)];
  }
  if (kind.group === "" && kind.resource === "services") {
    if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 bytes")];
    return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) ? [] : [invalidValue(field, name, LABEL_1035)];
  }
  if (kind.group === "" && kind.resource === "namespaces") {
    if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 bytes")];
    return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ? [] : [invalidValue(field, name, LABEL_1123)];
  }
  if (name.length > 253) return [invalidValue(field, name, "must be no more than 253 characters")];
  return isSubdomain(name) ? [] : [invalidValue(field, name, SUBDOMAIN)];
}

/** Gives an update back what only the server may change. Changes `next`. */
export function keepImmutable(next: ApiObject, current: ApiObject, hasStatus: boolean): void {
  const { uid, creationTimestamp, namespace, name, deletionTimestamp, deletionGracePeriodSeconds } = current.metadata;
  Object.assign(next.metadata, { uid, creationTimestamp, name, ...(namespace === undefined ? {} : { namespace }) });
  if (deletionTimestamp === undefined) delete next.metadata.deletionTimestamp;
  else Object.assign(next.metadata, { deletionTimestamp, deletionGracePeriodSeconds });
  if (next.metadata.managedFields === undefined && current.metadata.managedFields !== undefined)
    next.metadata.managedFields = cloneJson(current.metadata.managedFields);
  if (hasStatus) {
    if (current.status === undefined) delete next.status;
    else next.status = cloneJson(current.status);
  }
  const [before, after] = [current.spec, next.spec];
  // Allocated once and kept when an update does not repeat it.
  if (
    next.kind === "Service" &&
    isObject(before) &&
    isObject(after) &&
    after.clusterIP === undefined &&
    typeof before.clusterIP === "string"
  )
    after.clusterIP = before.clusterIP;
}
