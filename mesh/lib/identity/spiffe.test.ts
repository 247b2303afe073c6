import { expect, it } from "vitest";
import { parseSpiffeId, parseSubjectAltName } from "./spiffe.ts";

it("reads names as Node prints them, also such as try to smuggle in another", () => {
  expect(parseSubjectAltName("URI:spiffe://a/ns/b/sa/c, DNS:x.y, IP Address:10.0.0.1")).toEqual({
    uris: ["spiffe://a/ns/b/sa/c"],
    dns: ["x.y"],
    addresses: ["10.0.0.1"],
  });
  expect(parseSubjectAltName('DNS:"evil, URI:spiffe://forged", DNS:b').uris).toEqual([]);
  expect(parseSubjectAltName(undefined).uris).toEqual([]);
});

it("takes SPIFFE ids apart", () => {
  expect(parseSpiffeId("spiffe://cluster.local/ns/shop/sa/cart")).toEqual({
    trustDomain: "cluster.local",
    namespace: "shop",
    serviceAccount: "cart",
  });
  expect(parseSpiffeId("spiffe://cluster.local/shop")).toBeUndefined();
});
