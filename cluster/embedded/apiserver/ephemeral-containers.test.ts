import { describe, expect, it } from "vitest";
import type { ApiObject } from "../machinery/api-object.ts";
import type { Json } from "../machinery/json.ts";
import { withEphemeralContainers } from "./ephemeral-containers.ts";
import { builtInKinds } from "./kinds.ts";

const kind = builtInKinds.find(({ resource }) => resource === "pods");
const pod = (ephemeralContainers: Json[], image = "shop"): ApiObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop" },
  spec: { containers: [{ name: "web", image }], ephemeralContainers },
});
const look = { name: "look", image: "tools", terminationMessagePolicy: "File" };

describe("ephemeral containers", () => {
  const change = (before: ApiObject, after: ApiObject): ApiObject => {
    if (kind === undefined) throw new Error("pods are not served");
    return withEphemeralContainers(kind, before, after);
  };

  it("are added, and nothing else of the pod changes", () => {
    expect(change(pod([]), pod([look], "another"))).toEqual(pod([look]));
    expect(change(pod([look]), pod([{ name: "look", image: "tools" }]))).toEqual(
      pod([{ name: "look", image: "tools" }]),
    );
  });

  it.each([
    ["removed", [look], [], "existing ephemeral containers may not be removed or changed"],
    ["changed", [look], [{ ...look, image: "other" }], "existing ephemeral containers may not be removed or changed"],
    ["named like another container", [], [{ name: "web", image: "tools" }], 'Duplicate value: "web"'],
    ["without an image", [], [{ name: "look" }], "spec.ephemeralContainers[0].image: Required value"],
  ])("are refused when %s", (_, before, after, message) => {
    expect(() => change(pod(before), pod(after))).toThrow(message);
  });
});
