import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "#api/kinds/object.ts";
import { parseObject } from "#api/kinds/parse.ts";
import { reviewConfiguration } from "./webhook.ts";

const log = { info: () => {} };
const request = {
  uid: "1",
  kind: { group: "networking.istio.io", version: "v1", kind: "VirtualService" },
  operation: "CREATE",
  namespace: "shop",
  name: "cart",
} as const;
const virtualService = (spec: object): KubeObject =>
  ({ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "cart" }, spec }) as KubeObject;
const route = [{ destination: { host: "cart" } }];

describe("the webhook", () => {
  test("lets through what works", () => {
    const object = virtualService({ hosts: ["cart"], http: [{ route }] });
    expect(reviewConfiguration({ ...request, object }, { log })).toEqual({ uid: "1", allowed: true });
  });

  test("names field and reason of what does not", () => {
    const object = virtualService({ hosts: ["cart"], http: [{ route, timeout: "5" }] });
    const response = reviewConfiguration({ ...request, object }, { log });
    expect(response).toMatchObject({ allowed: false, status: { code: 422, reason: "Invalid" } });
    expect(response.status?.message).toBe(
      'configuration is invalid: spec.http[0].timeout: "5" is not a duration such as 1.5s, 250ms or 1h',
    );
  });

  test("warns of what has no effect", () => {
    const object = virtualService({ hosts: ["cart"], http: [{ route }, { route }] });
    const response = reviewConfiguration({ ...request, object }, { log });
    expect(response.allowed).toBe(true);
    expect(response.warnings?.[0]).toContain("spec.http[1]: is never reached");
  });

  test("judges nothing that goes away", () => {
    expect(reviewConfiguration({ ...request, operation: "DELETE" }, { log }).allowed).toBe(true);
  });
});

test("every manifest of the labs is accepted without a warning", () => {
  const root = join(import.meta.dirname, "../../..");
  const folders = ["lab-scenarios/canary/manifests", "apps/manifests"].map((folder) => join(root, folder));
  const files = folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  for (const file of files.filter((name) => name.endsWith(".yaml"))) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
      expect(parseObject(document.toJS() as KubeObject).problems, file).toEqual([]);
    }
  }
});
