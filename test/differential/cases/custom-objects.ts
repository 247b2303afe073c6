import type { Case, RequestStep } from "../case.ts";
import { object, version } from "./definitions.ts";

type Fields = Readonly<Record<string, unknown>>;

const group = "objects.example.com";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const gadgets = `/apis/${group}/v1/namespaces/$ns/gadgets`;
const text = { type: "string" };
const number = { type: "integer" };

const rules = (...list: readonly (string | Fields)[]): Fields => ({
  "x-kubernetes-validations": list.map((rule) => (typeof rule === "string" ? { rule } : rule)),
});

const spec = object({
  size: { type: "integer", minimum: 1, maximum: 10, default: 3 },
  ratio: { type: "number", multipleOf: 0.5 },
  above: { type: "number", minimum: 0, exclusiveMinimum: true },
  name: { type: "string", minLength: 2, maxLength: 5, pattern: "^[a-z]+$" },
  choice: { type: "string", enum: ["one", "two"] },
  nullable: { type: "string", nullable: true },
  nullableDefault: { type: "string", nullable: true, default: "x" },
  on: { type: "boolean" },
  list: { type: "array", minItems: 1, maxItems: 3, items: { type: "string", maxLength: 5 } },
  set: { type: "array", items: text, "x-kubernetes-list-type": "set" },
  map: {
    type: "array",
    items: object({ key: text, value: { type: "integer", default: 1 } }, { required: ["key"] }),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["key"],
  },
  labels: { type: "object", minProperties: 1, maxProperties: 2, additionalProperties: text },
  closed: object({ a: text }),
  open: object({ a: text }, { "x-kubernetes-preserve-unknown-fields": true }),
  anything: { "x-kubernetes-preserve-unknown-fields": true },
  either: { "x-kubernetes-int-or-string": true },
  embedded: object({ spec: object({ a: text }) }, { "x-kubernetes-embedded-resource": true }),
  nested: object({ deep: object({ value: { type: "string", default: "deep" } }, { default: {} }) }),
  one: object({ a: text, b: text }, { oneOf: [{ required: ["a"] }, { required: ["b"] }] }),
  some: object({ a: text, b: text }, { anyOf: [{ required: ["a"] }, { required: ["b"] }] }),
  all: { type: "string", allOf: [{ minLength: 2 }, { pattern: "^a" }] },
  none: { type: "string", not: { enum: ["never"] } },
  when: { type: "string", format: "date-time" },
  day: { type: "string", format: "date" },
  period: { type: "string", format: "duration" },
  bytes: { type: "string", format: "byte" },
  address: { type: "string", format: "ipv4" },
  six: { type: "string", format: "ipv6" },
  range: { type: "string", format: "cidr" },
  mail: { type: "string", format: "email" },
  uri: { type: "string", format: "uri" },
  uuid: { type: "string", format: "uuid" },
  small: { type: "integer", format: "int32" },
  must: object({ a: text, b: text }, { required: ["a", "b"] }),
});

const gadget = (name: string, fields: Fields, metadata: Fields = {}): object => ({
  apiVersion: `${group}/v1`,
  kind: "Gadget",
  metadata: { name, ...metadata },
  spec: fields,
});

const asked = (name: string, fields: Fields): RequestStep => ({
  name,
  send: `POST ${gadgets}?dryRun=All`,
  body: gadget("asked", fields),
  only: ["spec"],
});

const install = (plural: string, kind: string, more: Fields): RequestStep => ({
  name: `define ${plural}`,
  send: `POST ${definitions}`,
  body: {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: "Namespaced", names: { plural, kind }, ...more },
  },
  quiet: true,
});

const served = (plural: string): RequestStep => ({
  name: `${plural} are served`,
  send: `GET /apis/${group}/v1/namespaces/$ns/${plural}`,
  until: { code: 200 },
  quiet: true,
});

/** Objects of a custom kind: validation, defaulting, pruning. */
export const customObjects: Case = {
  name: "custom-objects",
  steps: [
    install("gadgets", "Gadget", {
      versions: [
        version(object({ spec, status: object({ size: number, text: { type: "string" } }) }), {
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.size",
              statusReplicasPath: ".status.size",
              labelSelectorPath: ".status.text",
            },
          },
          additionalPrinterColumns: [
            { name: "Size", type: "integer", jsonPath: ".spec.size" },
            { name: "Name", type: "string", jsonPath: ".spec.name", priority: 1 },
            { name: "When", type: "date", jsonPath: ".spec.when" },
            { name: "Key", type: "string", jsonPath: '.spec.map[?(@.key=="a")].value' },
          ],
          selectableFields: [{ jsonPath: ".spec.size" }, { jsonPath: ".spec.name" }],
        }),
      ],
      names: { plural: "gadgets", kind: "Gadget", shortNames: ["gd"], categories: ["all"] },
    }),
    served("gadgets"),
    asked("defaults", {}),
    asked("defaults in what is there", { nested: {}, map: [{ key: "a" }, { key: "b", value: 2 }] }),
    asked("null where there is a default", { size: null }),
    asked("null that may be", { nullable: null, nullableDefault: null }),
    asked("null that may not be", { name: null }),
    asked("null in a list", { list: ["a", null] }),
    asked("null among labels", { labels: { a: null } }),
    asked("unknown fields", { nothing: 1, closed: { a: "b", nothing: 1 } }),
    {
      ...asked("unknown fields, strictly", { nothing: 1, closed: { nothing: 1 } }),
      send: `POST ${gadgets}?dryRun=All&fieldValidation=Strict`,
    },
    { ...asked("unknown fields, silently", { nothing: 1 }), send: `POST ${gadgets}?dryRun=All&fieldValidation=Ignore` },
    asked("unknown fields that are kept", { open: { a: "b", nothing: 1 }, anything: { a: [1, { b: null }] } }),
    asked("an unknown field at the root", {}),
    {
      name: "unknown fields at the root",
      send: `POST ${gadgets}?dryRun=All`,
      body: { ...gadget("asked", {}), other: 1 },
      only: ["spec", "other"],
    },
    asked("a whole number that is text", { size: "3" }),
    asked("a whole number that is broken", { size: 1.5 }),
    asked("a whole number written as broken", { size: 2.0 }),
    asked("too small", { size: 0 }),
    asked("too large", { size: 11 }),
    asked("an exclusive bound", { above: 0 }),
    asked("not a multiple", { ratio: 0.7 }),
    asked("a multiple", { ratio: 1.5 }),
    asked("too short", { name: "a" }),
    asked("too long", { name: "abcdef" }),
    asked("no match", { name: "ABC" }),
    asked("everything wrong with a string", { name: "ABCDEF" }),
    asked("out of an enumeration", { choice: "three" }),
    asked("text that is a number", { name: 1 }),
    asked("true that is text", { on: "true" }),
    asked("a list that is an object", { list: {} }),
    asked("an object that is a list", { closed: [] }),
    asked("an object that is text", { closed: "a" }),
    asked("an empty list", { list: [] }),
    asked("a long list", { list: ["a", "b", "c", "d"] }),
    asked("an item that is too long", { list: ["abcdef", "b"] }),
    asked("an item of another type", { list: [1, "b"] }),
    asked("a set with the same twice", { set: ["a", "b", "a"] }),
    asked("a map with the same key twice", { map: [{ key: "a" }, { key: "a" }] }),
    asked("a map without a key", { map: [{ value: 1 }] }),
    asked("no labels", { labels: {} }),
    asked("too many labels", { labels: { a: "1", b: "2", c: "3" } }),
    asked("a label of another type", { labels: { a: 1 } }),
    asked("a number or text", { either: 1 }),
    asked("a text or number", { either: "1" }),
    asked("neither number nor text", { either: true }),
    asked("a broken number or text", { either: 1.5 }),
    asked("an embedded resource", {
      embedded: {
        apiVersion: "v1",
        kind: "A",
        metadata: { name: "a", nothing: 1, labels: { a: "b" } },
        spec: { a: "b", nothing: 1 },
        other: 1,
      },
    }),
    asked("an embedded resource without a kind", { embedded: { metadata: { name: "a" } } }),
    asked("an embedded resource with a bad name", {
      embedded: { apiVersion: "v1", kind: "A", metadata: { name: "A B", labels: { "a b": "c" } } },
    }),
    asked("an embedded resource with bad metadata", {
      embedded: { apiVersion: "v1", kind: "A", metadata: { labels: 1 } },
    }),
    asked("one of two", { one: { a: "x" } }),
    asked("both of one", { one: { a: "x", b: "y" } }),
    asked("none of one", { one: {} }),
    asked("none of some", { some: {} }),
    asked("not all", { all: "b" }),
    asked("one of all", { all: "a" }),
    asked("what it must not be", { none: "never" }),
    asked("a time", { when: "2024-01-01T00:00:00Z", day: "2024-01-01", period: "1h30m" }),
    asked("no time", { when: "yesterday" }),
    asked("no day", { day: "2024-13-01" }),
    asked("no period", { period: "soon" }),
    asked("no bytes", { bytes: "%" }),
    asked("no address", { address: "1.2.3" }),
    asked("no address of six", { six: "1.2.3.4" }),
    asked("no range", { range: "10.0.0.0" }),
    asked("no mail", { mail: "a" }),
    asked("no address of a page", { uri: "a b" }),
    asked("no identity", { uuid: "a" }),
    asked("too large for its format", { small: 4294967296 }),
    asked("nothing that is required", { must: {} }),
    asked("a required field that is null", { must: { a: null, b: "x" } }),
    asked("many things wrong", { size: 0, name: "A", choice: "x", on: 1, list: [] }),
    {
      name: "no object",
      send: `POST ${gadgets}`,
      body: { apiVersion: `${group}/v1`, kind: "Gadget", metadata: { name: "a" }, spec: 1 },
    },
    {
      name: "another kind",
      send: `POST ${gadgets}`,
      body: { apiVersion: `${group}/v1`, kind: "Other", metadata: { name: "a" } },
    },
    {
      name: "another version",
      send: `POST ${gadgets}`,
      body: { apiVersion: `${group}/v2`, kind: "Gadget", metadata: { name: "a" } },
    },
    { name: "no kind", send: `POST ${gadgets}`, body: { metadata: { name: "a" } } },
    { name: "a bad name", send: `POST ${gadgets}`, body: gadget("A_b", {}) },
    {
      name: "create",
      send: `POST ${gadgets}`,
      body: { ...gadget("one", { name: "abc", map: [{ key: "a" }] }), status: { size: 5 } },
      save: { revision: "metadata.resourceVersion" },
    },
    {
      name: "its status without a revision",
      send: `PUT ${gadgets}/one/status`,
      body: { ...gadget("one", {}), status: { size: 2 } },
    },
    {
      name: "its status",
      send: `PUT ${gadgets}/one/status`,
      body: {
        ...gadget("one", { name: "zzz" }, { resourceVersion: "$revision" }),
        status: { size: 2, text: "a=b", nothing: 1 },
      },
    },
    {
      name: "a status that is wrong",
      send: `PATCH ${gadgets}/one/status`,
      type: "application/merge-patch+json",
      body: { status: { size: "a" } },
    },
    { name: "get the status", send: `GET ${gadgets}/one/status` },
    { name: "scale", send: `GET ${gadgets}/one/scale` },
    {
      name: "scale up",
      send: `PATCH ${gadgets}/one/scale`,
      type: "application/merge-patch+json",
      body: { spec: { replicas: 5 } },
    },
    {
      name: "scale too far",
      send: `PATCH ${gadgets}/one/scale`,
      type: "application/merge-patch+json",
      body: { spec: { replicas: 50 } },
    },
    { name: "scaled", send: `GET ${gadgets}/one` },
    {
      name: "a merge patch",
      send: `PATCH ${gadgets}/one`,
      type: "application/merge-patch+json",
      body: { spec: { name: null, choice: "one" } },
    },
    {
      name: "a patch that is wrong",
      send: `PATCH ${gadgets}/one`,
      type: "application/merge-patch+json",
      body: { spec: { size: 99 } },
    },
    {
      name: "a strategic patch",
      send: `PATCH ${gadgets}/one`,
      type: "application/strategic-merge-patch+json",
      body: { spec: { size: 4 } },
    },
    {
      name: "a JSON patch",
      send: `PATCH ${gadgets}/one`,
      type: "application/json-patch+json",
      body: [{ op: "replace", path: "/spec/size", value: 6 }],
    },
    {
      name: "applied",
      send: `PATCH ${gadgets}/two?fieldManager=me`,
      type: "application/apply-patch+yaml",
      body: gadget("two", { map: [{ key: "a", value: 1 }], set: ["x"], list: ["y"] }),
    },
    {
      name: "applied by another",
      send: `PATCH ${gadgets}/two?fieldManager=you`,
      type: "application/apply-patch+yaml",
      body: gadget("two", { map: [{ key: "b", value: 2 }], set: ["z"] }),
    },
    {
      name: "applied in conflict",
      send: `PATCH ${gadgets}/two?fieldManager=you`,
      type: "application/apply-patch+yaml",
      body: gadget("two", { map: [{ key: "a", value: 2 }], list: ["w"] }),
    },
    {
      name: "applied wrongly",
      send: `PATCH ${gadgets}/two?fieldManager=you`,
      type: "application/apply-patch+yaml",
      body: gadget("two", { nothing: 1 }),
    },
    {
      name: "applied with a wrong type",
      send: `PATCH ${gadgets}/two?fieldManager=you`,
      type: "application/apply-patch+yaml",
      body: gadget("two", { size: "a" }),
    },
    { name: "select by a field", send: `GET ${gadgets}?fieldSelector=spec.size=6`, only: ["items.*.metadata.name"] },
    { name: "select by another field", send: `GET ${gadgets}?fieldSelector=spec.choice=one` },
    {
      name: "select by the name",
      send: `GET ${gadgets}?fieldSelector=metadata.name=two`,
      only: ["items.*.metadata.name"],
    },
    {
      name: "a table",
      send: `GET ${gadgets}`,
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      forget: ["rows.*.object", "columnDefinitions.*.description"],
    },
    { name: "delete", send: `DELETE ${gadgets}/one` },
    { name: "what is served", send: `GET /apis/${group}/v1` },
    { name: "the group", send: `GET /apis/${group}` },
    { name: "remove gadgets", send: `DELETE ${definitions}/gadgets.${group}`, quiet: true },
    { name: "gadgets are gone", send: `GET ${definitions}/gadgets.${group}`, until: { code: 404 }, only: ["kind"] },
    { name: "no longer served", send: `GET ${gadgets}`, until: { code: 404 } },
  ],
};

const ruled = object(
  {
    spec: object(
      {
        size: { type: "integer", ...rules({ rule: "self < 100", message: "must be below 100" }) },
        grows: { type: "integer", ...rules({ rule: "self >= oldSelf", message: "must not shrink" }) },
        fixed: { type: "string", maxLength: 20, ...rules({ rule: "self == oldSelf", reason: "FieldValueForbidden" }) },
        optional: {
          type: "string",
          maxLength: 20,
          ...rules({
            rule: "!oldSelf.hasValue() || oldSelf.value() == self",
            optionalOldSelf: true,
            message: "is fixed",
          }),
        },
        list: {
          type: "array",
          maxItems: 10,
          items: {
            type: "string",
            maxLength: 20,
            ...rules({ rule: "self.startsWith('a')", messageExpression: "self + ' must start with a'" }),
          },
        },
        keyed: {
          type: "array",
          maxItems: 10,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["key"],
          items: object(
            { key: { type: "string", maxLength: 10 }, value: { type: "integer", ...rules("self >= oldSelf") } },
            { required: ["key"] },
          ),
        },
        labels: {
          type: "object",
          maxProperties: 5,
          additionalProperties: { type: "string", maxLength: 10, ...rules("self != 'no'") },
        },
        min: number,
        max: number,
        since: { type: "string", format: "date-time" },
        either: { "x-kubernetes-int-or-string": true, ...rules("type(self) == int ? self > 1 : self.endsWith('%')") },
        nothing: { type: "string", nullable: true, maxLength: 10, ...rules("self == 'a'") },
        "with-dash": { type: "string", maxLength: 10, ...rules("self != 'x'") },
      },
      {
        ...rules(
          {
            rule: "!has(self.min) || !has(self.max) || self.min <= self.max",
            message: "min is above max",
            fieldPath: ".min",
          },
          {
            rule: "!has(self.min) || self.min != 7",
            reason: "FieldValueDuplicate",
            messageExpression: "self.min < 5 ? 'low' : 'high'",
          },
          { rule: "!has(self.max) || 10 / self.max > 0", message: "fails for 0" },
          { rule: "!has(self.since) || self.since > timestamp('2020-01-01T00:00:00Z')" },
        ),
      },
    ),
  },
  rules("!has(self.metadata.name) || self.metadata.name != 'forbidden'"),
);

const ruledObject = (name: string, fields: Fields): object => ({
  apiVersion: `${group}/v1`,
  kind: "Ruled",
  metadata: { name },
  spec: fields,
});
const ruleds = `/apis/${group}/v1/namespaces/$ns/ruleds`;
const judged = (name: string, fields: Fields): RequestStep => ({
  name,
  send: `POST ${ruleds}?dryRun=All`,
  body: ruledObject("asked", fields),
  only: ["spec"],
});
const changed = (name: string, fields: Fields): RequestStep => ({
  name,
  send: `PATCH ${ruleds}/one?dryRun=All`,
  type: "application/merge-patch+json",
  body: { spec: fields },
  only: ["spec"],
});

/** Objects of a custom kind whose definition has CEL rules. */
export const customRules: Case = {
  name: "custom-rules",
  steps: [
    install("ruleds", "Ruled", { versions: [version(ruled)] }),
    served("ruleds"),
    judged("nothing", {}),
    judged("a rule that holds", { size: 1 }),
    judged("a rule that does not hold", { size: 100 }),
    judged("several that do not hold", { size: 100, min: 2, max: 1, list: ["b", "a", "c"] }),
    judged("a path of the rule", { min: 2, max: 1 }),
    judged("a computed message and a reason", { min: 7 }),
    judged("a rule that fails", { max: 0 }),
    judged("an item", { list: ["b"] }),
    judged("a label", { labels: { a: "no", b: "yes" } }),
    judged("a time", { since: "2019-01-01T00:00:00Z" }),
    judged("a time that holds", { since: "2024-01-01T00:00:00Z" }),
    judged("a number", { either: 1 }),
    judged("a text", { either: "5%" }),
    judged("a text that does not hold", { either: "5" }),
    judged("null", { nothing: null }),
    judged("not null", { nothing: "b" }),
    judged("a field with a dash", { "with-dash": "x" }),
    judged("a wrong type is said first", { size: "a", min: 2, max: 1 }),
    judged("too many items are said first", { list: Array.from({ length: 11 }, () => "b") }),
    { name: "the name", send: `POST ${ruleds}?dryRun=All`, body: ruledObject("forbidden", {}) },
    {
      name: "create",
      send: `POST ${ruleds}`,
      body: ruledObject("one", {
        size: 1,
        grows: 5,
        fixed: "a",
        optional: "b",
        keyed: [
          { key: "a", value: 1 },
          { key: "b", value: 2 },
        ],
      }),
      only: ["spec"],
    },
    changed("it grows", { grows: 6 }),
    changed("it shrinks", { grows: 4 }),
    changed("it goes", { grows: null }),
    changed("what is fixed", { fixed: "b" }),
    changed("what is optional and fixed", { optional: "c" }),
    changed("keys that move", {
      keyed: [
        { key: "b", value: 2 },
        { key: "a", value: 1 },
      ],
    }),
    changed("keys that shrink", {
      keyed: [
        { key: "b", value: 1 },
        { key: "a", value: 1 },
      ],
    }),
    changed("keys that come", { keyed: [{ key: "c", value: 0 }] }),
    changed("another rule is broken", { size: 200 }),
    {
      name: "replaced wrongly",
      send: `PUT ${ruleds}/one?dryRun=All`,
      body: ruledObject("one", { grows: 1, fixed: "z" }),
    },
    {
      name: "a stricter definition",
      send: `PATCH ${definitions}/ruleds.${group}`,
      type: "application/json-patch+json",
      quiet: true,
      body: [
        {
          op: "add",
          path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum",
          value: 0,
        },
        {
          op: "add",
          path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/grows/x-kubernetes-validations/-",
          value: { rule: "self > 100", message: "must be above 100" },
        },
      ],
    },
    {
      name: "it is stricter",
      send: `POST ${ruleds}?dryRun=All`,
      body: ruledObject("asked", { size: 5 }),
      until: { code: 422 },
    },
    changed("what was wrong before may stay", { min: 1 }),
    changed("what is changed must be right", { size: 2 }),
    changed("what is changed must keep rules", { grows: 7 }),
    { name: "remove ruleds", send: `DELETE ${definitions}/ruleds.${group}`, quiet: true },
    { name: "ruleds are gone", send: `GET ${definitions}/ruleds.${group}`, until: { code: 404 }, only: ["kind"] },
  ],
};

/** A kind in two versions, without conversion; scope of the cluster. */
export const customVersions: Case = {
  name: "custom-versions",
  steps: [
    install("widgets", "Widget", {
      scope: "Cluster",
      versions: [
        version(object({ spec: object({ a: text, b: { type: "string", default: "one" } }) })),
        version(object({ spec: object({ a: text, c: { type: "string", default: "two" } }) }), {
          name: "v2",
          storage: false,
          deprecated: true,
        }),
        version(object({}), { name: "v1beta1", storage: false, served: false }),
      ],
    }),
    { name: "widgets are served", send: `GET /apis/${group}/v2/widgets`, until: { code: 200 } },
    {
      name: "create",
      send: `POST /apis/${group}/v1/widgets`,
      body: { apiVersion: `${group}/v1`, kind: "Widget", metadata: { name: "$ns" }, spec: { a: "x", c: "y" } },
    },
    { name: "in the other version", send: `GET /apis/${group}/v2/widgets/$ns` },
    { name: "in a version that is not served", send: `GET /apis/${group}/v1beta1/widgets/$ns` },
    {
      name: "change it in the other version",
      send: `PATCH /apis/${group}/v2/widgets/$ns`,
      type: "application/merge-patch+json",
      body: { spec: { c: "z" } },
    },
    { name: "in the first version", send: `GET /apis/${group}/v1/widgets/$ns` },
    {
      name: "a table without columns",
      send: `GET /apis/${group}/v1/widgets`,
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      forget: ["rows.*.object", "columnDefinitions.*.description"],
    },
    { name: "no status", send: `GET /apis/${group}/v1/widgets/$ns/status` },
    { name: "no scale", send: `GET /apis/${group}/v1/widgets/$ns/scale` },
    { name: "what is served", send: `GET /apis/${group}/v2` },
    { name: "the group", send: `GET /apis/${group}` },
    { name: "delete it", send: `DELETE /apis/${group}/v1/widgets/$ns` },
    { name: "remove widgets", send: `DELETE ${definitions}/widgets.${group}`, quiet: true },
    { name: "widgets are gone", send: `GET ${definitions}/widgets.${group}`, until: { code: 404 }, only: ["kind"] },
  ],
};
