import { expect, test } from "vitest";
import type { ApiObject } from "../../machinery/api-object.ts";
import { serverSideApply } from "./apply.ts";
import { BuiltInShapes } from "./built-in-shapes.ts";

const shape = new BuiltInShapes().ofType("apps.v1.Deployment")!;

const deployment = (spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): ApiObject =>
  ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a", ...metadata }, spec }) as ApiObject;
const apply = (live: ApiObject | undefined, applied: ApiObject, manager = "one", force = false): ApiObject =>
  serverSideApply(live, applied, { manager, force, time: "2026-01-01T00:00:00Z", shape });

test("fields that a manager says no more are removed, those of others stay", () => {
  const first = apply(undefined, deployment({ replicas: 1, paused: true }, { labels: { a: "1", b: "2" } }));
  const second = apply({ ...first, status: { replicas: 1 } }, deployment({ replicas: 2 }, { labels: { a: "1" } }));
  expect(second).toMatchObject({ spec: { replicas: 2 }, metadata: { labels: { a: "1" } }, status: { replicas: 1 } });
  expect(second.spec).not.toHaveProperty("paused");
  expect(second.metadata.labels).not.toHaveProperty("b");
});

test("a different opinion of another manager is a conflict, unless forced", () => {
  const live = apply(undefined, deployment({ replicas: 1 }));
  expect(() => apply(live, deployment({ replicas: 3 }), "two")).toThrow(/conflict with "one": .spec.replicas/);
  expect(apply(live, deployment({ replicas: 1 }), "two").metadata.managedFields).toHaveLength(2);
  const forced = apply(live, deployment({ replicas: 3 }), "two", true);
  expect(forced.spec).toEqual({ replicas: 3 });
  expect(forced.metadata.managedFields?.map((entry) => entry.manager)).toEqual(["two"]);
});

test("items of keyed lists are merged and removed by their keys", () => {
  const pod = (...names: string[]) =>
    deployment({ template: { spec: { containers: names.map((name) => ({ name, image: name })) } } });
  const live = apply(apply(undefined, pod("app")), pod("side"), "injector");
  expect(live.spec).toEqual({
    template: {
      spec: {
        containers: [
          { name: "app", image: "app" },
          { name: "side", image: "side" },
        ],
      },
    },
  });
  const next = apply(live, pod("other"));
  expect(
    (next.spec as { template: { spec: { containers: { name: string }[] } } }).template.spec.containers.map(
      ({ name }) => name,
    ),
  ).toEqual(["side", "other"]);
});

test("the same again changes nothing", () => {
  const live = apply(undefined, deployment({ replicas: 1 }));
  expect(apply(live, deployment({ replicas: 1 }))).toEqual(live);
});
