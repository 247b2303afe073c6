import { expect, test } from "vitest";
import { templateHash } from "./deployment.ts";

const template = { metadata: { labels: { app: "cart" } }, spec: { containers: [{ name: "cart", image: "one" }] } };

test("a template keeps its name whatever the order of fields and the empty ones", () => {
  const same = {
    spec: { securityContext: {}, volumes: [], containers: [{ image: "one", resources: {}, name: "cart" }] },
    metadata: { creationTimestamp: null, labels: { app: "cart" } },
  };
  expect(templateHash(same as object)).toBe(templateHash(template));
});

test("a template with other content has another name", () => {
  const containers = [{ name: "cart", image: "two" }];
  expect(templateHash({ ...template, spec: { containers } })).not.toBe(templateHash(template));
});
