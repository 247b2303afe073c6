import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gatewayApiKinds, istioKinds } from "../../api/kinds/definitions.ts";
import { generateCrds } from "../generate-crds.ts";
import { structural } from "./definition.ts";
import type { Schema } from "./read-schema.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-crds-"));
  generateCrds(join(import.meta.dirname, "../.."), folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

const definition = (name: string): Definition => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
const at = (schema: Schema, ...path: string[]): Schema =>
  path.reduce((found, name) => (name === "[]" ? found.items! : found.properties![name]!), schema);

describe("generated definitions", () => {
  test("there is one for each kind", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
    expect(files).toHaveLength(istioKinds.length + gatewayApiKinds.length);
  });

  test("fields, types, limits and alternatives of the published schema are there", () => {
    const { versions } = definition("virtualservices.networking.istio.io").spec;
    expect(versions.map(({ name, storage }) => [name, storage])).toEqual([
      ["v1", true],
      ["v1alpha3", false],
      ["v1beta1", false],
    ]);
    const route = at(versions[0]!.schema.openAPIV3Schema, "spec", "http", "[]");
    expect(at(route, "route", "[]", "weight")).toMatchObject({ type: "integer", format: "int32" });
    expect(at(route, "route", "[]").required).toEqual(["destination"]);
    expect(at(route, "match", "[]", "uri").oneOf).toHaveLength(4);
    expect(at(route, "match", "[]", "headers").additionalProperties?.properties).toHaveProperty("exact");
    const rule = definition("peerauthentications.security.istio.io").spec.versions[0]!.schema.openAPIV3Schema;
    expect(at(rule, "spec", "mtls", "mode").enum).toContain("STRICT");
  });

  test("fields of embedded types are there too", () => {
    const { schema } = definition("httproutes.gateway.networking.k8s.io").spec.versions[0]!;
    const spec = at(schema.openAPIV3Schema, "spec");
    expect(Object.keys(spec.properties ?? {})).toEqual(expect.arrayContaining(["parentRefs", "hostnames", "rules"]));
    expect(Object.keys(at(spec, "rules", "[]", "backendRefs", "[]").properties ?? {})).toEqual(
      expect.arrayContaining(["name", "port", "weight", "filters"]),
    );
  });

  test("the Gateway API has its defaults", () => {
    const { schema } = definition("httproutes.gateway.networking.k8s.io").spec.versions[0]!;
    const spec = at(schema.openAPIV3Schema, "spec");
    expect(at(spec, "parentRefs", "[]", "kind").default).toBe("Gateway");
    expect(at(spec, "rules", "[]", "backendRefs", "[]", "weight").default).toBe(1);
    expect(at(spec, "rules", "[]", "matches").default).toEqual([{ path: { type: "PathPrefix", value: "/" } }]);
    const gateway = definition("gateways.gateway.networking.k8s.io").spec.versions[0]!.schema.openAPIV3Schema;
    expect(at(gateway, "spec", "listeners", "[]", "allowedRoutes").default).toEqual({ namespaces: { from: "Same" } });
    const istio = definition("virtualservices.networking.istio.io").spec.versions[0]!.schema.openAPIV3Schema;
    expect(JSON.stringify(istio)).not.toContain('"default"');
  });

  test("every schema is structural", () => {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
      for (const version of definition(name.replace(/\.json$/, "")).spec.versions)
        expectStructural(version.schema.openAPIV3Schema, `${name} ${version.name}`);
    }
  });
});

function expectStructural(schema: Schema, path: string): void {
  const isMarked = "x-kubernetes-preserve-unknown-fields" in schema || "x-kubernetes-int-or-string" in schema;
  expect(schema.type !== undefined || isMarked, `${path} has a type`).toBe(true);
  if (schema.type === "array") expect(schema.items, `${path} says what it lists`).toBeDefined();
  for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    expect(branch.type, `${path}: types stand outside of alternatives`).toBeUndefined();
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) expectStructural(field, `${path}.${name}`);
  if (schema.additionalProperties !== undefined) expectStructural(schema.additionalProperties, `${path}{}`);
  if (schema.items !== undefined) expectStructural(schema.items, `${path}[]`);
}

test.each<[string, Schema, Schema]>([
  [
    "a number or a string",
    { anyOf: [{ type: "integer" }, { type: "string" }] },
    { "x-kubernetes-int-or-string": true },
  ],
  ["an object of any form", { type: "object" }, { type: "object", "x-kubernetes-preserve-unknown-fields": true }],
  ["anything", {}, { "x-kubernetes-preserve-unknown-fields": true }],
  ["a format that only generators know", { type: "integer", format: "uint32" }, { type: "integer" }],
])("%s", (_, schema, expected) => {
  expect(structural(schema)).toEqual(expected);
});
