import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../machinery/api-object.ts";
import { cloneJson, type JsonObject } from "../../machinery/json.ts";
import { problemsOf } from "./rules.ts";

const deployment = (container: JsonObject = {}, spec: JsonObject = {}): ApiObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i", ...container }] } },
    ...spec,
  },
});

describe("rules of built-in kinds", () => {
  const text = (object: ApiObject, old?: ApiObject) =>
    problemsOf(object, old).map(({ field, message }) => `${field}: ${message}`);
  const service = (spec: JsonObject): ApiObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec,
  });

  it.each([
    ["a good one", deployment(), []],
    [
      "no selector",
      deployment({}, { selector: {} }),
      ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ],
    [
      "a selector that misses its own pods",
      deployment({}, { selector: { matchLabels: { app: "x" } } }),
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    ["no image", deployment({ image: "" }), ["spec.template.spec.containers[0].image: Required value"]],
    [
      "a port out of range",
      deployment({ ports: [{ containerPort: 70000 }] }),
      [
        "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      ],
    ],
    [
      "a volume that is not there",
      deployment({ volumeMounts: [{ name: "v", mountPath: "/v" }] }),
      ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    ["a service without ports", service({}), ["spec.ports: Required value"]],
    ["a headless service without ports", service({ clusterIP: "None" }), []],
    [
      "ports without names",
      service({ ports: [{ port: 1 }, { port: 2, name: "b" }] }),
      ["spec.ports[0].name: Required value"],
    ],
  ])("judges %s", (_, object, expected) => {
    expect(text(object)).toEqual(expected);
  });

  it("keeps selectors as they were", () => {
    const next = cloneJson(deployment());
    const old = deployment({}, { selector: { matchLabels: { app: "old" } } });
    expect(text(next, old)).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable',
    ]);
  });
});
