import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../machinery/api-object.ts";
import type { JsonObject } from "../../machinery/json.ts";
import type { Kind } from "../kinds.ts";
import { BuiltInShapes } from "./built-in-shapes.ts";
import { pruneUnknown } from "./field-check.ts";

const deployments: Kind = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  kind: "Deployment",
  singular: "deployment",
  namespaced: true,
  subresources: ["status"],
  shortNames: ["deploy"],
  categories: [],
};

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

describe("fields of built-in kinds", () => {
  const shape = new BuiltInShapes().ofKind(deployments)!;

  it("removes and names those that the kind does not have", () => {
    const object = deployment({ imagePullPolice: "Always", resources: { limits: { cpu: 1 } } }, { replica: 2 });
    expect(pruneUnknown(deployments, shape, object)).toEqual([
      "spec.template.spec.containers[0].imagePullPolice",
      "spec.replica",
    ]);
    expect(object).toEqual(deployment({ resources: { limits: { cpu: 1 } } }));
  });

  it.each([
    [
      deployment({ ports: [{ containerPort: "x" }] }),
      "cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
    ],
    [
      deployment({ args: "x" }),
      "cannot unmarshal string into Go struct field Container.spec.template.spec.containers.args of type []string",
    ],
    [
      deployment({}, { paused: 1 }),
      "cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool",
    ],
  ])("refuses values of a wrong type (%#)", (object, message) => {
    expect(() => pruneUnknown(deployments, shape, object)).toThrow(
      `Deployment in version "v1" cannot be handled as a Deployment: json: ${message}`,
    );
  });
});
