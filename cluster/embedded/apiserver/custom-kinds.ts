import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, type JsonObject } from "../machinery/json.ts";
import type { Kind, Subresource } from "./kinds.ts";

/** A kind that a custom resource definition brought, in one of its versions. */
export interface CustomKind extends Kind {
  readonly schema: JsonObject;
  readonly columns: readonly JsonObject[];
  readonly storageVersion: string;
  /** Paths by which objects can be selected, as `spec.size`. */
  readonly selectableFields: readonly string[];
}

export const isCustom = (kind: Kind): kind is CustomKind => "schema" in kind;

/** The served versions of a definition; the storage version first. */
export function kindsOf(definition: ApiObject): readonly CustomKind[] {
  const spec = asObject(definition.spec);
  const names = asObject(spec.names);
  const versions = asArray(spec.versions).map(asObject);
  const storageVersion = asString(versions.find((version) => version.storage === true)?.name);
  return versions
    .filter((version) => version.served === true)
    .toSorted((a, b) => Number(b.storage === true) - Number(a.storage === true))
    .map((version) => ({
      group: asString(spec.group),
      version: asString(version.name),
      resource: asString(names.plural),
      kind: asString(names.kind),
      singular: asString(names.singular) || asString(names.kind).toLowerCase(),
      namespaced: spec.scope === "Namespaced",
      shortNames: asArray(names.shortNames).map(asString),
      categories: asArray(names.categories).map(asString),
      subresources: Object.keys(asObject(version.subresources)).filter(
        (name): name is Subresource => name === "status" || name === "scale",
      ),
      schema: asObject(asObject(version.schema).openAPIV3Schema),
      columns: asArray(version.additionalPrinterColumns).map(asObject),
      storageVersion,
      selectableFields: asArray(version.selectableFields).map((field) =>
        asString(asObject(field).jsonPath).replace(/^\./, ""),
      ),
    }));
}

/** What the API server itself says of a definition: its names are taken and it is served. */
export function establishedStatus(definition: ApiObject, now: string): JsonObject {
  const spec = asObject(definition.spec);
  const versions = asArray(spec.versions).map(asObject);
  return {
    acceptedNames: asObject(spec.names),
    storedVersions: versions.filter((version) => version.storage === true).map((version) => asString(version.name)),
    conditions: [
      {
        type: "NamesAccepted",
        status: "True",
        reason: "NoConflicts",
        message: "no conflicts found",
        lastTransitionTime: now,
      },
      {
        type: "Established",
        status: "True",
        reason: "InitialNamesAccepted",
        message: "the initial names have been accepted",
        lastTransitionTime: now,
      },
    ],
  };
}
