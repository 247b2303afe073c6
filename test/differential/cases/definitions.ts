import type { Case, RequestStep } from "../case.ts";

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const group = "definitions.example.com";

type Fields = Readonly<Record<string, unknown>>;

/** A definition of `things`; what is given takes the place of what it has. */
export const definition = (spec: Fields, metadata: Fields = {}): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `things.${group}`, ...metadata },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    versions: [version(object({}))],
    ...spec,
  },
});

export const version = (schema: unknown, more: Fields = {}): Fields => ({
  name: "v1",
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  ...more,
});

export const object = (properties: Fields, more: Fields = {}): Fields => ({ type: "object", properties, ...more });

/** Nothing is stored: what is asked is whether it would be. */
const asked = (name: string, body: object): RequestStep => ({
  name,
  send: `POST ${path}?dryRun=All`,
  body,
  only: ["kind"],
});

const withSchema = (name: string, schema: unknown): RequestStep =>
  asked(name, definition({ versions: [version(schema)] }));
const withSpec = (name: string, schema: unknown): RequestStep => withSchema(name, object({ spec: schema as Fields }));
const withVersion = (name: string, more: Fields): RequestStep =>
  asked(name, definition({ versions: [version(object({ spec: object({ size: { type: "integer" } }) }), more)] }));

const text = { type: "string" };
const number = { type: "integer" };

/** What a definition may say: names, versions, conversion. */
export const definitionNames: Case = {
  name: "definition-names",
  steps: [
    {
      ...asked("a whole definition", definition({})),
      only: ["spec", "status", "metadata.name", "metadata.generation"],
    },
    asked("another name", definition({}, { name: "other.definitions.example.com" })),
    asked("a name without its group", definition({}, { name: "things" })),
    asked("no names", definition({ names: {} })),
    asked("a plural in capitals", definition({ names: { plural: "Things", kind: "Thing" } })),
    asked("a kind that is no name", definition({ names: { plural: "things", kind: "a thing" } })),
    asked("a kind in small letters", definition({ names: { plural: "things", kind: "thing" } })),
    asked("a short name in capitals", definition({ names: { plural: "things", kind: "Thing", shortNames: ["TH"] } })),
    asked("a singular that is no name", definition({ names: { plural: "things", kind: "Thing", singular: "a.b" } })),
    asked("a category in capitals", definition({ names: { plural: "things", kind: "Thing", categories: ["All"] } })),
    asked("a list kind like the kind", definition({ names: { plural: "things", kind: "Thing", listKind: "Thing" } })),
    asked("no group", definition({ group: "" }, { name: "things." })),
    asked("a group without a dot", definition({ group: "example" }, { name: "things.example" })),
    asked("a group that is none", definition({ group: "a_b.example.com" }, { name: "things.a_b.example.com" })),
    asked("a group of the project", definition({ group: "things.k8s.io" }, { name: "things.things.k8s.io" })),
    asked(
      "an approved group of the project",
      definition(
        { group: "things.k8s.io" },
        {
          name: "things.things.k8s.io",
          annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/1" },
        },
      ),
    ),
    asked(
      "a group of the project with a note that is none",
      definition(
        { group: "things.k8s.io" },
        { name: "things.things.k8s.io", annotations: { "api-approved.kubernetes.io": "yes" } },
      ),
    ),
    asked("no scope", definition({ scope: undefined })),
    asked("a scope that is none", definition({ scope: "Global" })),
    asked("no versions", definition({ versions: [] })),
    asked("versions left out", definition({ versions: undefined })),
    asked("the same version twice", definition({ versions: [version(object({})), version(object({}))] })),
    asked("two stored versions", definition({ versions: [version(object({})), version(object({}), { name: "v2" })] })),
    asked("no stored version", definition({ versions: [version(object({}), { storage: false })] })),
    asked("no served version", definition({ versions: [version(object({}), { served: false })] })),
    asked("a version that is no name", definition({ versions: [version(object({}), { name: "V_1" })] })),
    asked("no schema", definition({ versions: [version(undefined, { schema: undefined })] })),
    asked("an empty schema", definition({ versions: [version(undefined)] })),
    asked("unknown fields are kept", definition({ preserveUnknownFields: true })),
    asked("a field that is unknown", definition({ nothing: 1 })),
    asked("a conversion that is none", definition({ conversion: { strategy: "Some" } })),
    asked("a conversion without a webhook", definition({ conversion: { strategy: "Webhook" } })),
    asked(
      "a webhook without versions",
      definition({
        conversion: { strategy: "Webhook", webhook: { clientConfig: { url: "https://127.0.0.1:1/" } } },
      }),
    ),
    asked(
      "a webhook without a place",
      definition({ conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } } }),
    ),
    asked(
      "a webhook that is not needed",
      definition({
        conversion: { strategy: "None", webhook: { conversionReviewVersions: ["v1"], clientConfig: {} } },
      }),
    ),
    withVersion("a deprecated version", { deprecated: true, deprecationWarning: "go on" }),
    withVersion("a warning without deprecation", { deprecationWarning: "go on" }),
    withVersion("a column", {
      additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
    }),
    withVersion("a column without a path", { additionalPrinterColumns: [{ name: "Size", type: "integer" }] }),
    withVersion("a column without a name", { additionalPrinterColumns: [{ type: "integer", jsonPath: ".spec.size" }] }),
    withVersion("a column of an unknown type", {
      additionalPrinterColumns: [{ name: "Size", type: "int", jsonPath: ".spec.size" }],
    }),
    withVersion("a column of an unknown format", {
      additionalPrinterColumns: [{ name: "Size", type: "integer", format: "big", jsonPath: ".spec.size" }],
    }),
    withVersion("a column with a path that is none", {
      additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: "spec.size" }],
    }),
    withVersion("subresources", {
      subresources: { status: {}, scale: { specReplicasPath: ".spec.size", statusReplicasPath: ".status.size" } },
    }),
    withVersion("a scale without paths", { subresources: { scale: {} } }),
    withVersion("a scale with paths that are none", {
      subresources: {
        scale: { specReplicasPath: "spec.size", statusReplicasPath: ".spec.size", labelSelectorPath: "x" },
      },
    }),
    withVersion("a field to select by", { selectableFields: [{ jsonPath: ".spec.size" }] }),
    withVersion("a field to select by that is not there", { selectableFields: [{ jsonPath: ".spec.nothing" }] }),
    withVersion("an object to select by", { selectableFields: [{ jsonPath: ".spec" }] }),
    withVersion("a field to select by twice", {
      selectableFields: [{ jsonPath: ".spec.size" }, { jsonPath: ".spec.size" }],
    }),
    withVersion("a path to select by that is none", { selectableFields: [{ jsonPath: "spec.size" }] }),
    { name: "create", send: `POST ${path}`, body: definition({}), quiet: true },
    {
      name: "established",
      send: `GET ${path}/things.${group}`,
      until: { text: '"reason":"InitialNamesAccepted"' },
      only: ["status.conditions.*.type", "status.conditions.*.status", "status.acceptedNames", "status.storedVersions"],
    },
    {
      name: "another scope",
      send: `PATCH ${path}/things.${group}`,
      type: "application/merge-patch+json",
      body: { spec: { scope: "Cluster" } },
    },
    {
      name: "another kind",
      send: `PATCH ${path}/things.${group}`,
      type: "application/merge-patch+json",
      body: { spec: { names: { kind: "Other", listKind: "OtherList" } } },
    },
    {
      name: "another group",
      send: `PATCH ${path}/things.${group}`,
      type: "application/merge-patch+json",
      body: { spec: { group: "other.example.com" } },
    },
    {
      name: "a second version",
      send: `PATCH ${path}/things.${group}`,
      type: "application/merge-patch+json",
      body: { spec: { versions: [version(object({}), { storage: false }), version(object({}), { name: "v2" })] } },
      only: ["spec.versions.*.name", "metadata.generation"],
    },
    {
      name: "two versions have been stored",
      send: `GET ${path}/things.${group}`,
      until: { text: '"storedVersions":["v1","v2"]' },
      only: ["status.storedVersions"],
    },
    {
      name: "a stored version goes",
      send: `PATCH ${path}/things.${group}`,
      type: "application/merge-patch+json",
      body: { spec: { versions: [version(object({}), { name: "v2" })] } },
    },
    {
      name: "names that are taken",
      send: `POST ${path}`,
      body: {
        ...definition(
          { names: { plural: "others", kind: "Thing", listKind: "ThingList" } },
          { name: `others.${group}` },
        ),
      },
      quiet: true,
    },
    {
      name: "names are not accepted",
      send: `GET ${path}/others.${group}`,
      until: { text: '"Established"' },
      only: ["status"],
    },
    { name: "remove the second", send: `DELETE ${path}/others.${group}`, quiet: true },
    { name: "remove", send: `DELETE ${path}/things.${group}`, quiet: true },
    { name: "it is gone", send: `GET ${path}/things.${group}`, until: { code: 404 }, only: ["kind"] },
  ],
};

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `k${index}`);

/** Which schemas are structural. */
export const definitionSchemas: Case = {
  name: "definition-schemas",
  steps: [
    withSchema("no type", {}),
    withSchema("a root that is a string", text),
    withSchema("a root that is nullable", object({}, { nullable: true })),
    withSchema("a field without a type", object({ a: {} })),
    withSchema("a field of an unknown type", object({ a: { type: "file" } })),
    withSchema("a field that is null", object({ a: { type: "null" } })),
    withSchema("a list without items", object({ a: { type: "array" } })),
    withSchema("items without a type", object({ a: { type: "array", items: {} } })),
    withSchema("a list of items", object({ a: { type: "array", items: [text] } })),
    withSchema("properties and others", object({ a: object({ b: text }, { additionalProperties: text }) })),
    withSchema("no others", object({ a: { type: "object", additionalProperties: false } })),
    withSchema("any others", object({ a: { type: "object", additionalProperties: true } })),
    withSchema("others without a type", object({ a: { type: "object", additionalProperties: {} } })),
    withSchema("others at the root", { type: "object", additionalProperties: text }),
    withSchema("rules for the name", object({ metadata: object({ name: { type: "string", pattern: "^a" } }) })),
    withSchema("rules for labels", object({ metadata: object({ labels: { type: "object" } }) })),
    withSchema("metadata of another type", object({ metadata: text })),
    withSchema("a kind of another type", object({ kind: number })),
    withSchema("a reference", object({ a: { $ref: "#/definitions/a" } })),
    withSchema("definitions", object({}, { definitions: { a: text } })),
    withSchema("dependencies", object({ a: object({}, { dependencies: { b: ["c"] } }) })),
    withSchema("pattern properties", object({ a: object({}, { patternProperties: { "^a": text } }) })),
    withSchema("additional items", object({ a: { type: "array", items: text, additionalItems: text } })),
    withSchema("an id", object({ a: { type: "string", id: "x" } })),
    withSchema("unique items", object({ a: { type: "array", items: text, uniqueItems: true } })),
    withSchema("not unique items", object({ a: { type: "array", items: text, uniqueItems: false } })),
    withSchema("an unknown format", object({ a: { type: "string", format: "nothing" } })),
    withSchema("a pattern that is none", object({ a: { type: "string", pattern: "(" } })),
    withSchema("a pattern that looks ahead", object({ a: { type: "string", pattern: "^(?!a)" } })),
    withSchema("a type among alternatives", object({ a: { type: "string", anyOf: [{ type: "string" }] } })),
    withSchema("a description among alternatives", object({ a: { type: "string", oneOf: [{ description: "x" }] } })),
    withSchema("a default among alternatives", object({ a: { type: "string", allOf: [{ default: "x" }] } })),
    withSchema("nullable among alternatives", object({ a: { type: "string", not: { nullable: true } } })),
    withSchema(
      "properties among alternatives alone",
      object({ a: object({ b: text }, { anyOf: [{ properties: { c: {} } }] }) }),
    ),
    withSchema(
      "items among alternatives alone",
      object({ a: { type: "array", items: object({ b: text }), anyOf: [{ items: { properties: { c: {} } } }] } }),
    ),
    withSchema(
      "others among alternatives",
      object({ a: object({}, { anyOf: [{ additionalProperties: { minLength: 1 } }] }) }),
    ),
    withSchema(
      "alternatives that require",
      object({ a: object({ b: text, c: text }, { oneOf: [{ required: ["b"] }, { required: ["c"] }] }) }),
    ),
    withSchema("an integer or a string", object({ a: { "x-kubernetes-int-or-string": true } })),
    withSchema(
      "an integer or a string with alternatives",
      object({ a: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] } }),
    ),
    withSchema(
      "an integer or a string with other alternatives",
      object({ a: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "string" }, { type: "integer" }] } }),
    ),
    withSchema(
      "an integer or a string with a type",
      object({ a: { type: "string", "x-kubernetes-int-or-string": true } }),
    ),
    withSchema("no integer or string", object({ a: { type: "string", "x-kubernetes-int-or-string": false } })),
    withSchema("unknown fields kept", object({ a: { "x-kubernetes-preserve-unknown-fields": true } })),
    withSchema(
      "unknown fields kept of an object",
      object({ a: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }),
    ),
    withSchema(
      "unknown fields not kept",
      object({ a: { type: "object", "x-kubernetes-preserve-unknown-fields": false } }),
    ),
    withSchema(
      "unknown fields kept of a string",
      object({ a: { type: "string", "x-kubernetes-preserve-unknown-fields": true } }),
    ),
    withSchema(
      "an embedded resource",
      object({
        a: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
      }),
    ),
    withSchema(
      "an embedded resource without fields",
      object({ a: { type: "object", "x-kubernetes-embedded-resource": true } }),
    ),
    withSchema(
      "an embedded resource that is a string",
      object({ a: { type: "string", "x-kubernetes-embedded-resource": true } }),
    ),
    withSchema(
      "an embedded resource with rules for labels",
      object({
        a: object(
          { metadata: object({ labels: { type: "object" } }), kind: text },
          { "x-kubernetes-embedded-resource": true },
        ),
      }),
    ),
    withSchema("an unknown extension", object({ a: { type: "string", "x-kubernetes-nothing": true } })),
    withSchema("an unknown list type", object({ a: { type: "array", items: text, "x-kubernetes-list-type": "bag" } })),
    withSchema("a list type of a string", object({ a: { type: "string", "x-kubernetes-list-type": "set" } })),
    withSchema("a set", object({ a: { type: "array", items: text, "x-kubernetes-list-type": "set" } })),
    withSchema(
      "a set of objects",
      object({ a: { type: "array", items: object({ b: text }), "x-kubernetes-list-type": "set" } }),
    ),
    withSchema(
      "a set of atomic objects",
      object({
        a: {
          type: "array",
          items: object({ b: text }, { "x-kubernetes-map-type": "atomic" }),
          "x-kubernetes-list-type": "set",
        },
      }),
    ),
    withSchema(
      "a set of lists",
      object({ a: { type: "array", items: { type: "array", items: text }, "x-kubernetes-list-type": "set" } }),
    ),
    withSchema(
      "a set of what may be null",
      object({ a: { type: "array", items: { type: "string", nullable: true }, "x-kubernetes-list-type": "set" } }),
    ),
    withSchema(
      "a map without keys",
      object({ a: { type: "array", items: object({ b: text }), "x-kubernetes-list-type": "map" } }),
    ),
    withSchema(
      "a map with keys",
      object({
        a: {
          type: "array",
          items: object({ b: text }, { required: ["b"] }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b"],
        },
      }),
    ),
    withSchema(
      "a map with a key that is not required",
      object({
        a: {
          type: "array",
          items: object({ b: text }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b"],
        },
      }),
    ),
    withSchema(
      "a map with a key that has a default",
      object({
        a: {
          type: "array",
          items: object({ b: { type: "string", default: "x" } }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b"],
        },
      }),
    ),
    withSchema(
      "a map with a key that is not there",
      object({
        a: {
          type: "array",
          items: object({ b: text }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["c"],
        },
      }),
    ),
    withSchema(
      "a map with a key twice",
      object({
        a: {
          type: "array",
          items: object({ b: text }, { required: ["b"] }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b", "b"],
        },
      }),
    ),
    withSchema(
      "a map with a key that is an object",
      object({
        a: {
          type: "array",
          items: object({ b: object({}) }, { required: ["b"] }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b"],
        },
      }),
    ),
    withSchema(
      "a map with a key that may be null",
      object({
        a: {
          type: "array",
          items: object({ b: { type: "string", nullable: true } }, { required: ["b"] }),
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["b"],
        },
      }),
    ),
    withSchema(
      "a map of strings",
      object({
        a: { type: "array", items: text, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["b"] },
      }),
    ),
    withSchema(
      "keys without a map",
      object({ a: { type: "array", items: object({ b: text }), "x-kubernetes-list-map-keys": ["b"] } }),
    ),
    withSchema("an unknown map type", object({ a: object({}, { "x-kubernetes-map-type": "some" }) })),
    withSchema(
      "a map type of a list",
      object({ a: { type: "array", items: text, "x-kubernetes-map-type": "atomic" } }),
    ),
    withSpec("a default", { type: "string", default: "x" }),
    withSpec("a default of another type", { type: "string", default: 1 }),
    withSpec("a default that is too long", { type: "string", maxLength: 1, default: "ab" }),
    withSpec("a default out of an enumeration", { type: "string", enum: ["a"], default: "b" }),
    withSpec("a default of null", { type: "string", default: null }),
    withSpec("a default of null that may be null", { type: "string", nullable: true, default: null }),
    withSpec("a default with unknown fields", object({ a: text }, { default: { b: "x" } })),
    withSpec("a default without what is required", object({ a: text }, { required: ["a"], default: {} })),
    withSpec(
      "a default completed by another",
      object({ a: { type: "string", default: "x" } }, { required: ["a"], default: {} }),
    ),
    withSchema("a default at the root", object({}, { default: {} })),
    withSchema("a default of metadata", object({ metadata: { type: "object", default: { name: "a" } } })),
    withSchema("a default of the name", object({ metadata: object({ name: { type: "string", default: "a" } }) })),
    withSpec("a default of an embedded resource", {
      type: "object",
      "x-kubernetes-embedded-resource": true,
      "x-kubernetes-preserve-unknown-fields": true,
      default: { kind: "A", apiVersion: "v1" },
    }),
    withSpec("a default of an embedded resource without a kind", {
      type: "object",
      "x-kubernetes-embedded-resource": true,
      "x-kubernetes-preserve-unknown-fields": true,
      default: { a: 1 },
    }),
    withSpec("a required field that is unknown", object({}, { required: ["nothing"] })),
    withSpec("an exclusive minimum that is a number", { type: "integer", exclusiveMinimum: 1 }),
    withSpec("a negative length", { type: "string", maxLength: -1 }),
    withSpec("a length that is no number", { type: "string", maxLength: "a" }),
    withSpec("an enumeration that is empty", { type: "string", enum: [] }),
    withSpec("an enumeration of another type", { type: "string", enum: [1] }),
    withSpec("a title and an example", {
      type: "string",
      title: "x",
      example: "y",
      externalDocs: { url: "https://example.com" },
    }),
    withSpec("many fields", object(Object.fromEntries(many(50).map((name) => [name, text])))),
  ],
};
