import type { KindDefinition } from "../../api/kinds/definitions.ts";
import { withGatewayApiDefaults } from "./gateway-api-defaults.ts";
import type { Schema } from "./read-schema.ts";

const GATEWAY_API = "gateway.networking.k8s.io";
/** Bundle version that the Gateway API's own tools look for. */
const GATEWAY_API_VERSION = "v1.6.0";

/** A complete CustomResourceDefinition. `schemaOf` gives the published schema of one version. */
export function customResourceDefinition(kind: KindDefinition, schemaOf: (version: string) => Schema): object {
  const isGatewayApi = kind.group === GATEWAY_API;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${kind.plural}.${kind.group}`,
      labels: {
        "app.kubernetes.io/part-of": "istio",
        "app.kubernetes.io/managed-by": "slipway",
        ...(isGatewayApi ? {} : { istio: "istio" }),
      },
      ...(isGatewayApi
        ? {
            annotations: {
              "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/3328",
              "gateway.networking.k8s.io/bundle-version": GATEWAY_API_VERSION,
              "gateway.networking.k8s.io/channel": "experimental",
            },
          }
        : {}),
    },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        categories: kind.categories,
        ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      },
      scope: kind.namespaced ? "Namespaced" : "Cluster",
      versions: kind.versions.map((version, index) =>
        versionOf(kind, version, { storage: index === 0, schema: schemaOf(version) }),
      ),
    },
  };
}

function versionOf(kind: KindDefinition, version: string, options: { storage: boolean; schema: Schema }): object {
  return {
    name: version,
    served: true,
    storage: options.storage,
    subresources: { status: {} },
    additionalPrinterColumns: kind.columns.map(({ name, path, type = "string" }) => ({ name, jsonPath: path, type })),
    schema: { openAPIV3Schema: rootSchema(kind, options.schema) },
  };
}

function rootSchema({ group, kind }: KindDefinition, schema: Schema): Schema {
  const { spec = { type: "object" }, status = { type: "object" } } = schema.properties ?? {};
  return {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: group === GATEWAY_API ? withGatewayApiDefaults(structural(spec), kind) : structural(spec),
      // Controllers own the status; an unexpected field there must not keep a manifest out.
      status: { ...structural(status), "x-kubernetes-preserve-unknown-fields": true },
    },
    ...(schema.required?.includes("spec") ? { required: ["spec"] } : {}),
  };
}

/** Fits a schema to the rules for structural schemas: types outside of compositions, numbers-or-strings and free-form objects marked. */
export function structural(schema: Schema): Schema {
  if (isIntOrString(schema)) return { "x-kubernetes-int-or-string": true };
  const { properties, additionalProperties, items, ...rest } = schema;
  const result: Schema = { ...rest };
  if (result.format !== undefined && !apiFormats.has(result.format)) delete result.format;
  // The API server allows one of the two only; Istio's maps have no named fields.
  if (properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, structural(value)]),
    );
  } else if (additionalProperties !== undefined) result.additionalProperties = structural(additionalProperties);
  if (items !== undefined) result.items = structural(items);
  if (result.type === undefined) result.type = items === undefined ? typeOfFreeForm(result) : "array";
  if (result.type === "object" && properties === undefined && additionalProperties === undefined) {
    result["x-kubernetes-preserve-unknown-fields"] = true;
  }
  if (result.type === "") delete result.type;
  return result;
}

/** Without a type: an object if it has fields, else any value. */
function typeOfFreeForm(schema: Schema): string {
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return "object";
  schema["x-kubernetes-preserve-unknown-fields"] = true;
  return "";
}

const isIntOrString = ({ anyOf }: Schema): boolean =>
  anyOf !== undefined &&
  anyOf.length === 2 &&
  anyOf.some(({ type }) => type === "integer") &&
  anyOf.some(({ type }) => type === "string");

/** Formats that the API server checks; others only help code generators. */
const apiFormats = new Set(["int32", "int64", "float", "double", "byte", "date", "date-time", "duration"]);
