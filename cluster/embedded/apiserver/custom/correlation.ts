import { asArray, asObject, equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";

/**
 * The value that stood where a value of an update stands now, as far as that can be told: members by name, items of lists by their
 * keys or, in lists that are taken whole, not at all. Where it cannot be told, the nearest container counts that did not change.
 * Source: Kubernetes' documentation of custom resources, "Validation ratcheting".
 */
export interface Correlation {
  /** Undefined where it cannot be told. */
  readonly value: Json | undefined;
  readonly isKnown: boolean;
  member(schema: JsonObject, name: string): Correlation;
  item(schema: JsonObject, item: Json): Correlation;
}

export function correlate(value: Json | undefined): Correlation {
  return {
    value,
    isKnown: true,
    member: (_schema, name) => correlate(isObject(value) ? value[name] : undefined),
    item: (schema, item) => {
      const keys = asArray(schema["x-kubernetes-list-map-keys"]).map(String);
      if (schema["x-kubernetes-list-type"] !== "map" || keys.length === 0) return unknown;
      return correlate(
        asArray(value).find((old) => keys.every((key) => equalJson(asObject(old)[key], asObject(item)[key]))),
      );
    },
  };
}

const unknown: Correlation = { value: undefined, isKnown: false, member: () => unknown, item: () => unknown };

/** Whether a value is what it was. */
export const unchanged = ({ isKnown, value: old }: Correlation, value: Json): boolean =>
  isKnown && old !== undefined && equalJson(old, value);
