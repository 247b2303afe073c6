import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiObject } from "../machinery/api-object.ts";
import { RevisionConflict, Store } from "./store.ts";
import { type Change, RevisionGone } from "./watch-hub.ts";

const object = (name: string, value = "a"): ApiObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data: { value },
});
const key = (name: string) => ({ bucket: "/configmaps", namespace: "default", name });

describe("store", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "slipway-store-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("counts one revision per write and keeps it across a restart", async () => {
    const store = Store.open(folder);
    const a = await store.commit({ key: key("a"), expected: 0, next: object("a") });
    const [b, c] = await Promise.all(
      ["b", "c"].map((name) => store.commit({ key: key(name), expected: 0, next: object(name) })),
    );
    expect([a, b, c].map((o) => o?.metadata.resourceVersion)).toEqual(["2", "3", "4"]);
    await store.commit({ key: key("b"), expected: 3, next: undefined });
    await store.close();
    const again = Store.open(folder);
    expect(again.revision).toBe(5);
    expect(again.list("/configmaps").map((o) => o.metadata.name)).toEqual(["a", "c"]);
    await again.close();
  });

  it("finds objects with long names and without a namespace again", async () => {
    const store = Store.open(folder);
    const keys = ["n".repeat(80), "system:controller:with-colons"].flatMap((name) => [
      { bucket: "/events", namespace: "istio-system", name },
      { bucket: "/nodes", namespace: "", name },
    ]);
    for (const one of keys) await store.commit({ key: one, expected: 0, next: object(one.name) });
    await store.close();
    const again = Store.open(folder);
    for (const one of keys) expect(again.get(one)?.metadata.name).toBe(one.name);
    await again.close();
  });

  it("refuses a write whose object has changed, without touching others of the same batch", async () => {
    const store = Store.open(folder);
    await store.commit({ key: key("a"), expected: 0, next: object("a") });
    const results = await Promise.allSettled([
      store.commit({ key: key("a"), expected: 2, next: object("a", "first") }),
      store.commit({ key: key("a"), expected: 2, next: object("a", "second") }),
      store.commit({ key: key("b"), expected: 0, next: object("b") }),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: expect.any(RevisionConflict) });
    expect(store.get(key("a"))?.["data"]).toEqual({ value: "first" });
    await store.close();
  });

  it("replays what happened after a revision and says when that is forgotten", async () => {
    const store = Store.open(folder);
    await store.commit({ key: key("a"), expected: 0, next: object("a") });
    await store.commit({ key: key("a"), expected: 2, next: object("a", "b") });
    const seen: Change[] = [];
    const stop = store.watch("/configmaps", 2, (change) => seen.push(change));
    await store.commit({ key: key("a"), expected: 3, next: undefined });
    stop();
    await store.commit({ key: key("a"), expected: 0, next: object("a") });
    expect(seen.map(({ type, revision }) => [type, revision])).toEqual([
      ["MODIFIED", 3],
      ["DELETED", 4],
    ]);
    await store.close();
    const again = Store.open(folder);
    expect(() => again.watch("/configmaps", 3, () => {})).toThrow(RevisionGone);
    await again.close();
  });

  it("says that the saved state cannot be read", () => {
    writeFileSync(join(folder, "objects.mdb"), "this is no database".repeat(2000));
    expect(() => Store.open(folder)).toThrow(
      expect.objectContaining({ code: "STATE_CORRUPT", hint: expect.stringContaining(folder) }),
    );
  });
});
