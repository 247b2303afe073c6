import type { ApiObject } from "../../machinery/api-object.ts";
import { asObject, cloneJson, deepFreeze, equalJson, type JsonObject } from "../../machinery/json.ts";
import type { CustomKind } from "../custom-kinds.ts";
import { apiVersionOf } from "../kinds.ts";
import { applySchemaDefaults } from "./default.ts";
import { prune } from "./prune.ts";

interface View {
  readonly schema: JsonObject;
  readonly object: ApiObject;
}

/**
 * Stored objects of custom kinds as a version of them shows them: with the defaults that the stored version has today, without the
 * fields that the asked one does not know. Objects that this changes nothing of stay the same objects.
 */
export class CustomViews {
  readonly #completed = new WeakMap<ApiObject, View>();
  readonly #converted = new WeakMap<ApiObject, View>();

  /** The object in the version that was asked for. */
  shown(kind: CustomKind, object: ApiObject): ApiObject {
    const whole = remembered(this.#completed, object, kind.storageSchema, () => {
      const copy = cloneJson(object);
      prune(kind.storageSchema, copy as JsonObject);
      applySchemaDefaults(kind.storageSchema, copy as JsonObject);
      return copy;
    });
    if (whole.apiVersion === apiVersionOf(kind)) return whole;
    return remembered(this.#converted, whole, kind.schema, () => convert(kind.schema, whole, apiVersionOf(kind)));
  }

  /** The object as it is stored. */
  stored(kind: CustomKind, object: ApiObject): ApiObject {
    const apiVersion = `${kind.group}/${kind.storageVersion}`;
    return object.apiVersion === apiVersion ? object : convert(kind.storageSchema, object, apiVersion);
  }
}

function convert(schema: JsonObject, object: ApiObject, apiVersion: string): ApiObject {
  const copy = cloneJson({ ...object, apiVersion });
  prune(schema, copy as JsonObject);
  return copy;
}

function remembered(
  views: WeakMap<ApiObject, View>,
  object: ApiObject,
  schema: JsonObject,
  make: () => ApiObject,
): ApiObject {
  const known = views.get(object);
  if (known?.schema === schema) return known.object;
  const made = make();
  const view = equalJson(asObject(made as JsonObject), asObject(object as JsonObject)) ? object : deepFreeze(made);
  views.set(object, { schema, object: view });
  return view;
}
