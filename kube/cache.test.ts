import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "./cache.ts";
import { KubeClient } from "./client.ts";
import { resources } from "./resource.ts";

type Thing = KubeObject & { readonly data?: Record<string, string> };

const thing = (name: string, version: number, value = "a"): Thing => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", resourceVersion: String(version) },
  data: { value },
});

/** Answers lists from a table and holds watches open. */
class FakeApi {
  items: Thing[] = [];
  version = 1;
  readonly lists: string[] = [];
  readonly watches: { readonly url: string; readonly response: ServerResponse }[] = [];
  /** Answered to the next watch instead of a stream. */
  refuse: number | undefined;
  readonly server: Server = createServer((request, response) => {
    const url = request.url ?? "";
    response.setHeader("content-type", "application/json");
    if (!url.includes("watch=true")) {
      this.lists.push(url);
      response.end(
        JSON.stringify({
          apiVersion: "v1",
          kind: "ConfigMapList",
          metadata: { resourceVersion: String(this.version) },
          items: this.items,
        }),
      );
      return;
    }
    if (this.refuse !== undefined) {
      response.statusCode = this.refuse;
      response.end(JSON.stringify({ kind: "Status", code: this.refuse, reason: "Expired", message: "too old" }));
      this.refuse = undefined;
      return;
    }
    response.flushHeaders();
    this.watches.push({ url, response });
  });

  send(type: string, object: object): void {
    this.watches.at(-1)?.response.write(`${JSON.stringify({ type, object })}\n`);
  }
}

let api: FakeApi;
let client: KubeClient;
let cache: ObjectCache<Thing>;
let changes: string[];

beforeEach(async () => {
  api = new FakeApi();
  api.items = [thing("one", 1)];
  await new Promise<void>((resolve) => api.server.listen(0, "127.0.0.1", resolve));
  client = new KubeClient({
    server: new URL(`http://127.0.0.1:${(api.server.address() as AddressInfo).port}`),
    tls: async () => ({ rejectUnauthorized: true }),
    authorization: async () => "Bearer test",
  });
  changes = [];
  cache = new ObjectCache<Thing>(client, resources.configMaps, { namespace: "default" });
  cache.onChange(({ before, after }) => {
    const type = before === undefined ? "+" : after === undefined ? "-" : "~";
    changes.push(`${type}${(after ?? before)?.metadata.name}`);
  });
  await cache.ready;
  await vi.waitFor(() => expect(api.watches.length).toBe(1));
});

afterEach(async () => {
  cache.dispose();
  client.close();
  api.server.closeAllConnections();
  await new Promise((resolve) => api.server.close(resolve));
});

test("lists, then follows from that version", () => {
  expect(cache.all.map(({ metadata }) => metadata.name)).toEqual(["one"]);
  expect(api.watches[0]?.url).toContain("resourceVersion=1");
  expect(changes).toEqual(["+one"]);
});

test("tells changes, but not those of bookkeeping alone", async () => {
  api.send("MODIFIED", thing("one", 2));
  api.send("ADDED", thing("two", 3));
  api.send("MODIFIED", thing("one", 4, "b"));
  api.send("DELETED", thing("two", 5));
  await vi.waitFor(() => expect(changes).toEqual(["+one", "+two", "~one", "-two"]));
  expect(cache.resourceVersion).toBe("5");
  expect(cache.get("default", "one")?.data).toEqual({ value: "b" });
});

test("takes a dropped stream up where it was", async () => {
  api.send("BOOKMARK", { kind: "ConfigMap", metadata: { resourceVersion: "40" } });
  await vi.waitFor(() => expect(cache.resourceVersion).toBe("40"));
  api.watches[0]?.response.destroy();
  await vi.waitFor(() => expect(api.watches.length).toBe(2));
  expect(api.watches[1]?.url).toContain("resourceVersion=40");
  expect(api.lists.length).toBe(1);
});

test("lists again when the server has forgotten, and tells what that changes", async () => {
  api.items = [thing("three", 50)];
  api.version = 50;
  api.send("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
  await vi.waitFor(() => expect(changes).toEqual(["+one", "-one", "+three"]));
  expect(api.lists.length).toBe(2);
});

test("lists again when the watch itself is refused as too old", async () => {
  api.refuse = 410;
  api.watches[0]?.response.end();
  await vi.waitFor(() => expect(api.watches.length).toBe(2));
  expect(api.lists.length).toBe(2);
});

test("asks no more after it was disposed", async () => {
  cache.dispose();
  await vi.waitFor(() => expect(api.watches[0]?.response.destroyed).toBe(true));
  expect(api.lists.length + api.watches.length).toBe(2);
});
