import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, ensureObject, type JsonObject } from "../../machinery/json.ts";

/** Fills in what a definition leaves to the API server, in place. */
export function defaultDefinition(definition: ApiObject): void {
  const spec = ensureObject(definition, "spec");
  const names = ensureObject(spec, "names");
  const kind = asString(names.kind);
  if (kind !== "") {
    if (!names.singular) names.singular = kind.toLowerCase();
    if (!names.listKind) names.listKind = `${kind}List`;
  }
  const conversion = ensureObject(spec, "conversion");
  if (!conversion.strategy) conversion.strategy = "None";
  const service = asObject(asObject(asObject(conversion.webhook).clientConfig).service);
  if (Object.keys(service).length > 0 && service.port === undefined) service.port = 443;
}

/** The status of a definition that nobody has looked at yet. */
export const firstStatus = (definition: ApiObject): JsonObject => ({
  conditions: null,
  acceptedNames: { plural: "", kind: "" },
  storedVersions: storageVersions(definition),
});

/** The status with every version that objects have been stored in. */
export function withStoredVersions(status: JsonObject, definition: ApiObject): JsonObject {
  const stored = asArray(status.storedVersions);
  const added = storageVersions(definition).filter((name) => !stored.includes(name));
  return added.length === 0 ? status : { ...status, storedVersions: [...stored, ...added] };
}

function storageVersions({ spec }: ApiObject): string[] {
  const versions = asArray(asObject(spec).versions).map(asObject);
  return versions
    .filter(({ storage }) => storage === true)
    .map(({ name }) => asString(name))
    .slice(0, 1);
}
