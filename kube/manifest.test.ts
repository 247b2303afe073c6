import { describe, expect, test } from "vitest";
import { parseManifest, splitField } from "./manifest.ts";

const text = `# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
  labels:
    app.kubernetes.io/name: x
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: two, namespace: shop}
spec:
  http:
    - route:
        - destination: {host: cart}
          weight: 10
`;

describe("parseManifest", () => {
  test("reads every document", () => {
    const { objects, problems } = parseManifest(text);
    expect(problems).toEqual([]);
    expect(objects.map(({ object }) => `${object.kind} ${object.metadata.name}`)).toEqual([
      "ConfigMap one",
      "VirtualService two",
    ]);
  });

  test.each([
    [0, "metadata.name", 5],
    [0, 'metadata.labels["app.kubernetes.io/name"]', 7],
    [1, "spec.http[0].route[0].weight", 16],
    [1, "spec.http[0].route[0].destination.host", 15],
    [1, "spec.http[0].retries", 14],
    [1, "", 9],
  ])("object %i, field %s is at line %i", (index, field, line) => {
    expect(parseManifest(text).objects[index]?.locate(field).line).toBe(line);
  });

  test.each([
    ["a: [1", "MANIFEST_SYNTAX", 1],
    ["a: 1\na: 2", "MANIFEST_SYNTAX", 2],
    ["kind: Pod", "MANIFEST_SCHEMA", 1],
    ["apiVersion: v1\nkind: Pod\nmetadata: {}", "MANIFEST_SCHEMA", 3],
    ["just text", "MANIFEST_SCHEMA", 1],
  ])("%j is refused", (yaml, code, line) => {
    expect(parseManifest(yaml).problems[0]).toMatchObject({ code, line, severity: "error" });
  });

  test("empty documents and lists", () => {
    const list =
      "---\n---\napiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n";
    expect(parseManifest(list).objects.map(({ object }) => object.metadata.name)).toEqual(["a"]);
  });
});

test.each([
  ["spec.http[0].match", ["spec", "http", 0, "match"]],
  ['metadata.labels["a.b/c"]', ["metadata", "labels", "a.b/c"]],
  ["", []],
])("splitField(%s)", (field, parts) => expect(splitField(field)).toEqual(parts));
