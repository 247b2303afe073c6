import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { egressObjects } from "./envoy/egress-objects.ts";
import { type Answer, EnvoyHarness } from "./envoy/harness.ts";
import { addresses, cartRoutes, istio } from "./envoy/mesh-objects.ts";

const gateway = `http://127.0.0.1:${addresses.gatewayPort}`;
const cart = `http://${addresses.cart}/`;

interface Reply {
  readonly name: string;
  readonly url: string;
  readonly certificate: string;
  readonly set: string;
}

const reply = (answer: Answer | undefined): Reply => JSON.parse(answer?.body ?? "{}") as Reply;

/** How many answers came from each version. */
function versions(answers: readonly Answer[]): { v1: number; v2: number } {
  const names = answers.map((answer) => reply(answer).name);
  return { v1: names.filter((name) => name === "v1").length, v2: names.filter((name) => name === "v2").length };
}

describe.each(["DELTA_GRPC", "GRPC"] as const)("a real Envoy over %s", (protocol) => {
  const harness = new EnvoyHarness();
  beforeAll(() => harness.start(protocol));
  afterAll(() => harness.stop());

  const noRefusals = (): void => expect(harness.pilot.record.rejections).toEqual([]);
  const apply = async (...objects: Parameters<typeof harness.source.apply>[0][]): Promise<void> => {
    const before = harness.pilot.distributor.snapshot?.generation ?? 0;
    for (const object of objects) harness.source.apply(object);
    await expect.poll(() => harness.pilot.distributor.snapshot?.generation ?? 0).toBeGreaterThan(before);
    await harness.settled(2);
  };

  it("takes over clusters, endpoints, listeners and routes without a refusal", async () => {
    noRefusals();
    const sidecar = await harness.admin("sidecar", "/config_dump?include_eds");
    for (const name of ["virtualOutbound", "virtualInbound", "outbound|80|v1|cart.shop.svc.cluster.local"]) {
      expect(sidecar).toContain(name);
    }
  });

  it("leads requests through the gateway to the sidecar over mutual TLS", () => {
    const [answer] = harness.send(1, `${gateway}/hello`, "host=shop.example.com");
    expect(answer?.status, harness.log).toBe(200);
    expect(reply(answer)).toMatchObject({ name: "storefront", url: "/hello", set: "by-gateway" });
    expect(reply(answer).certificate).toContain("URI=spiffe://cluster.local/ns/istio-system/sa/gateway");
  });

  it("rewrites paths, and answers 503 for a host that does not exist", () => {
    expect(reply(harness.send(1, `${gateway}/cart`)[0])).toMatchObject({ name: "v1", url: "/" });
    expect(harness.send(1, `${gateway}/nowhere`)[0]?.status).toBe(503);
  });

  it("sends testers to v2 and everyone else to v1", () => {
    expect(versions(harness.send(20, cart, "host=cart"))).toEqual({ v1: 20, v2: 0 });
    expect(versions(harness.send(20, cart, "host=cart", "x-tester=true"))).toEqual({ v1: 0, v2: 20 });
  });

  it("splits by weight when the VirtualService changes", async () => {
    await apply(cartRoutes(50, 50));
    const { v1, v2 } = versions(harness.send(400, cart, "host=cart.shop.svc.cluster.local"));
    expect(v1 + v2).toBe(400);
    // A fair split is outside of this once in a billion runs.
    expect(v2).toBeGreaterThan(130);
    expect(v2).toBeLessThan(270);
    await apply(cartRoutes(0, 100));
    expect(versions(harness.send(20, cart, "host=cart"))).toEqual({ v1: 0, v2: 20 });
    noRefusals();
  });

  it("refuses plaintext once mutual TLS is strict, and lets the gateway in", async () => {
    const direct = `http://${addresses.storefront}:8080/`;
    expect(harness.send(1, direct)[0]?.status).toBe(200);
    await apply(istio("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }));
    await expect.poll(() => harness.send(1, direct)[0]?.status).toBe(0);
    expect(harness.send(1, `${gateway}/`)[0]?.status).toBe(200);
    noRefusals();
  });

  it("adds and removes subsets without losing a request", async () => {
    await apply(
      istio("DestinationRule", "cart", { host: "cart", subsets: [{ name: "only", labels: { version: "v1" } }] }),
      istio("VirtualService", "cart", {
        hosts: ["cart"],
        http: [{ route: [{ destination: { host: "cart", subset: "only" } }] }],
      }),
    );
    expect(versions(harness.send(20, cart, "host=cart"))).toEqual({ v1: 20, v2: 0 });
    const dump = await harness.admin("sidecar", "/clusters");
    expect(dump).toContain("outbound|80|only|cart.shop.svc.cluster.local");
    await expect
      .poll(() => harness.admin("sidecar", "/clusters"))
      .not.toContain("outbound|80|v2|cart.shop.svc.cluster.local");
    noRefusals();
  });

  it("takes over calls that leave: by name, in TLS with secrets, through a gateway, and no others", async () => {
    const partner = (host: string): Answer | undefined => harness.send(1, "http://10.96.0.50/", `host=${host}`)[0];
    await apply(...egressObjects);
    await expect.poll(() => reply(partner("partner.example")).name).toBe("v1");
    expect(partner("other.example")?.status).toBe(502);
    for (const name of ["sidecar", "router"])
      await expect
        .poll(() => harness.admin(name, "/config_dump?resource=dynamic_active_secrets"))
        .toContain("bank-cacert");
    noRefusals();
  });
});
