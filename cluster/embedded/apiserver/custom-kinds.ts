import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, isObject, type Json, type JsonObject } from "../machinery/json.ts";
import type { Kind, Subresource } from "./kinds.ts";

/** A kind that a custom resource definition brought, in one of its versions. */
export interface CustomKind extends Kind {
  readonly schema: JsonObject;
  readonly columns: readonly JsonObject[];
  readonly storageVersion: string;
  readonly storageSchema: JsonObject;
  /** Paths by which objects can be selected, as `spec.size`. */
  readonly selectableFields: readonly string[];
  /** Where its scale is, as `.spec.replicas`; undefined if it has none. */
  readonly scale:
    | { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath: string }
    | undefined;
  /** What users of this version are warned of. */
  readonly deprecation: string | undefined;
  /** Its definition is being deleted: there will be no new objects. */
  readonly isTerminating: boolean;
}

export const isCustom = (kind: Kind): kind is CustomKind => "schema" in kind;

/** The served versions of a definition, the most mature and newest first. */
export function kindsOf(definition: ApiObject): readonly CustomKind[] {
  const spec = asObject(definition.spec);
  const names = asObject(asObject(definition.status).acceptedNames);
  const versions = asArray(spec.versions).map(asObject);
  const storage = versions.find((version) => version.storage === true);
  return versions
    .filter((version) => version.served === true)
    .toSorted((a, b) => compareVersions(asString(a.name), asString(b.name)))
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
      storageVersion: asString(storage?.name),
      storageSchema: asObject(asObject(storage?.schema).openAPIV3Schema),
      selectableFields: asArray(version.selectableFields).map((field) =>
        asString(asObject(field).jsonPath).replace(/^\./, ""),
      ),
      scale: scaleOf(asObject(version.subresources).scale),
      deprecation: deprecationOf(version, `${asString(spec.group)}/${asString(version.name)} ${asString(names.kind)}`),
      isTerminating: definition.metadata.deletionTimestamp !== undefined,
    }));
}

function scaleOf(scale: Json | undefined): CustomKind["scale"] {
  if (!isObject(scale)) return undefined;
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return {
    specReplicasPath: asString(specReplicasPath),
    statusReplicasPath: asString(statusReplicasPath),
    labelSelectorPath: asString(labelSelectorPath),
  };
}

const deprecationOf = ({ deprecated, deprecationWarning }: JsonObject, name: string): string | undefined =>
  deprecated === true ? asString(deprecationWarning) || `${name} is deprecated` : undefined;

/** v2 before v1, v1 before v1beta1, anything else behind. Source: Kubernetes' documentation of versions in definitions, "Version priority". */
function compareVersions(a: string, b: string): number {
  const rank = (version: string): readonly number[] => {
    const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (found === null) return [0];
    const stage = found[2] === undefined ? 3 : found[2] === "beta" ? 2 : 1;
    return [stage, Number(found[1]), Number(found[3] ?? 0)];
  };
  const [x, y] = [rank(a), rank(b)];
  for (let at = 0; at < Math.max(x.length, y.length); at++) {
    const difference = (y[at] ?? 0) - (x[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}
