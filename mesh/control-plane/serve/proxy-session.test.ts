import { describe, expect, it } from "vitest";
import type { ProxyNode } from "../model/snapshot.ts";
import { type EncodedResource, type ProxyConfig, typeUrlOf, type XdsType } from "../xds/resource.ts";
import { type Incoming, type Outgoing, ProxySession } from "./proxy-session.ts";

const node: ProxyNode = {
  id: "a.ns",
  type: "sidecar",
  addresses: [],
  name: "a",
  namespace: "ns",
  labels: {},
  ports: {},
  version: "",
  intercepts: true,
  hbone: false,
  readsSecrets: false,
};

type Versions = Readonly<Record<string, string>>;

function config(generation: number, contents: Partial<Record<XdsType, Versions>>): ProxyConfig {
  const map = (type: XdsType): Map<string, EncodedResource> =>
    new Map(
      Object.entries(contents[type] ?? {}).map(([name, version]) => [
        name,
        { name, version, body: { typeUrl: typeUrlOf[type], value: Buffer.from(version) } },
      ]),
    );
  const envoy = { CDS: map("CDS"), EDS: map("EDS"), SDS: map("SDS"), LDS: map("LDS"), RDS: map("RDS") };
  return { generation, resources: { ...envoy, WDS: map("WDS"), WADS: map("WADS") } };
}

/** A session whose other end the test is. */
function converse(deliverable: (outgoing: Outgoing) => boolean = () => true) {
  const sent: Outgoing[] = [];
  const session = new ProxySession(node, "i", {
    send: (outgoing) => {
      if (!deliverable(outgoing)) return false;
      sent.push(outgoing);
      return true;
    },
    rejected: () => {},
    synced: () => {},
    superseded: () => {},
  });
  const request = (type: XdsType, fields: Partial<Incoming> = {}): void =>
    session.request({
      type,
      subscribe: [],
      unsubscribe: [],
      initialVersions: {},
      nonce: "",
      error: undefined,
      wildcard: type === "CDS" || type === "LDS",
      ...fields,
    });
  const take = (): string[] =>
    sent
      .splice(0)
      .map(({ type, changed, removed }) =>
        [type, ...changed.map(({ name, version }) => `${name}@${version}`), ...removed.map((name) => `-${name}`)].join(
          " ",
        ),
      );
  /** Acknowledges all that is under way, and what comes of it. */
  const settle = (): string[] => {
    const seen: string[] = [];
    while (sent.length > 0) {
      const answered = sent.map(({ type, nonce }) => ({ type, nonce }));
      seen.push(...take());
      for (const { type, nonce } of answered) request(type, { nonce });
    }
    return seen;
  };
  return { session, sent, request, take, settle };
}

describe("a session with a proxy", () => {
  it("sends what is asked for, once there is any", () => {
    const { session, request, settle } = converse();
    request("CDS");
    request("LDS");
    expect(settle()).toEqual([]);
    session.push(config(1, { CDS: { a: "1", b: "1" }, LDS: { l: "1" }, EDS: { a: "1", b: "1" } }));
    expect(settle()).toEqual(["CDS a@1 b@1", "LDS l@1"]);
    request("EDS", { subscribe: ["a"] });
    expect(settle()).toEqual(["EDS a@1"]);
    expect(session.ackedGeneration).toBe(1);
  });

  it("sends only what changed, and nothing if nothing did", () => {
    const { session, request, settle } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { a: "1", b: "1" }, LDS: { l: "1" } }));
    settle();
    session.push(config(2, { CDS: { a: "1", b: "2" }, LDS: { l: "1" } }));
    expect(settle()).toEqual(["CDS b@2"]);
    session.push(config(3, { CDS: { a: "1", b: "2" }, LDS: { l: "1" } }));
    expect(settle()).toEqual([]);
    expect(session.ackedGeneration).toBe(3);
  });

  it("makes before it breaks: new clusters before routes, old clusters after them", () => {
    const { session, request, settle } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { old: "1" }, EDS: { old: "1" }, LDS: { l: "1" }, RDS: { r: "1" } }));
    request("EDS", { subscribe: ["old"] });
    request("RDS", { subscribe: ["r"] });
    settle();
    session.push(config(2, { CDS: { new: "1" }, EDS: { new: "1" }, LDS: { l: "1" }, RDS: { r: "2" } }));
    const order = settle();
    expect(order.slice(0, 3)).toEqual(["CDS new@1", "RDS r@2", "CDS -old"]);
  });

  it("does not send routes while clusters that they may need wait for an answer", () => {
    const { session, sent, request, take } = converse();
    request("CDS");
    request("LDS");
    request("RDS", { subscribe: ["r"] });
    session.push(config(1, { CDS: { a: "1" }, LDS: { l: "1" }, RDS: { r: "1" } }));
    const first = sent.find(({ type }) => type === "CDS");
    take();
    session.push(config(2, { CDS: { a: "1", b: "1" }, LDS: { l: "1" }, RDS: { r: "2" } }));
    expect(take()).toEqual([]);
    session.push(config(3, { CDS: { a: "1", c: "1" }, LDS: { l: "1" }, RDS: { r: "3" } }));
    request("CDS", { nonce: first?.nonce ?? "" });
    // The state between was never sent: a slow proxy gets the last one.
    expect(take()).toEqual(["CDS c@1"]);
  });

  it("sends the routes that a listener waits for, even if the listener changes meanwhile", () => {
    const { session, sent, request, take } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { a: "1" }, LDS: { l: "1" }, RDS: { r: "1" }, EDS: { a: "1" } }));
    const [clusters, listeners] = sent.splice(0);
    request("CDS", { nonce: clusters?.nonce ?? "" });
    session.push(config(2, { CDS: { a: "1" }, LDS: { l: "2" }, RDS: { r: "2" }, EDS: { a: "2" } }));
    expect(take()).toEqual([]);
    // The proxy answers about its listener only when it has the routes and endpoints that it leads to.
    request("RDS", { subscribe: ["r"] });
    request("EDS", { subscribe: ["a"] });
    expect(take()).toEqual(["RDS r@2", "EDS a@2"]);
    request("LDS", { nonce: listeners?.nonce ?? "" });
    expect(take()).toEqual(["LDS l@2"]);
  });

  it("sends endpoints again for clusters that were replaced", () => {
    const { session, request, settle } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { a: "1" }, EDS: { a: "1" }, LDS: {} }));
    request("EDS", { subscribe: ["a"] });
    settle();
    session.push(config(2, { CDS: { a: "2" }, EDS: { a: "1" }, LDS: {} }));
    expect(settle()).toEqual(["CDS a@2", "EDS a@1"]);
  });

  it("keeps a refusal visible, does not repeat what was refused, and forgets it when a later one is taken", () => {
    const { session, sent, request, take, settle } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { a: "1" }, LDS: {} }));
    settle();
    session.push(config(2, { CDS: { a: "bad" }, LDS: {} }));
    const nonce = sent[0]?.nonce ?? "";
    take();
    request("CDS", { nonce, error: "no such thing" });
    expect(take()).toEqual([]);
    expect(session.rejections).toMatchObject([
      { type: "CDS", message: "no such thing", resources: ["a"], generation: 2 },
    ]);
    expect(session.ackedGeneration).toBe(1);
    session.push(config(3, { CDS: { a: "good" }, LDS: {} }));
    expect(settle()).toEqual(["CDS a@good"]);
    expect(session.rejections).toEqual([]);
    expect(session.ackedGeneration).toBe(3);
  });

  it("ignores answers to what is no longer under way", () => {
    const { session, request, settle } = converse();
    request("CDS");
    request("LDS");
    session.push(config(1, { CDS: { a: "1" }, LDS: { l: "1" } }));
    settle();
    request("CDS", { nonce: "elsewhere-7", error: "late" });
    expect(session.rejections).toEqual([]);
  });

  it("sends a proxy that comes back only what it lacks", () => {
    const { session, request, settle } = converse();
    session.push(config(9, { CDS: { a: "1", b: "2" }, EDS: { a: "1", b: "1" }, LDS: { l: "1" } }));
    request("CDS", { initialVersions: { a: "1", b: "1", gone: "4" } });
    expect(settle()).toEqual(["CDS b@2", "CDS -gone"]);
    request("EDS", { subscribe: ["a", "b"], initialVersions: { a: "1", b: "0" } });
    request("LDS", { initialVersions: { l: "1" } });
    expect(settle()).toEqual(["EDS b@1"]);
    expect(session.ackedGeneration).toBe(9);
  });

  it("says which names do not exist, and sends a name again that is asked for again", () => {
    const { session, request, settle } = converse();
    session.push(config(1, { EDS: { a: "1" } }));
    request("EDS", { subscribe: ["a", "missing"] });
    expect(settle()).toEqual(["EDS a@1", "EDS -missing"]);
    request("EDS", { unsubscribe: ["a"] });
    request("EDS", { subscribe: ["a"] });
    expect(settle()).toEqual(["EDS a@1"]);
    session.push(config(2, { EDS: { a: "1", missing: "1" } }));
    expect(settle()).toEqual(["EDS missing@1"]);
  });

  it("tells who asks for everything that there is nothing, once", () => {
    const { session, request, settle } = converse();
    session.push(config(1, { CDS: { a: "1" } }));
    request("CDS");
    request("LDS");
    request("EDS", { subscribe: [] });
    expect(settle()).toEqual(["CDS a@1", "LDS"]);
    session.push(config(2, { CDS: { a: "1" } }));
    expect(settle()).toEqual([]);
    session.push(config(3, { CDS: { a: "1" }, LDS: { l: "1" } }));
    expect(settle()).toEqual(["LDS l@1"]);
    expect(session.ackedGeneration).toBe(3);
  });

  it("does not wait for an answer to what the protocol cannot say", () => {
    const { session, request, settle } = converse(({ changed }) => changed.length > 0);
    session.push(config(1, { EDS: { a: "1" } }));
    request("EDS", { subscribe: ["a"] });
    settle();
    session.push(config(2, {}));
    session.push(config(3, { EDS: { a: "2" } }));
    expect(settle()).toEqual(["EDS a@2"]);
  });
});
