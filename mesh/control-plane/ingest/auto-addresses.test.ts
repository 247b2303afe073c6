import { expect, test } from "vitest";
import type { Service } from "../model/snapshot.ts";
import { withAutoAddresses } from "./auto-addresses.ts";

const service = (hostname: string, more: Partial<Service> = {}): Service => ({
  origin: { kind: "ServiceEntry", namespace: "shop", name: hostname, resourceVersion: "1", created: "" },
  hostname,
  name: hostname,
  namespace: "shop",
  labels: {},
  addresses: [],
  ranges: [],
  ports: [],
  selector: undefined,
  exportTo: ["*"],
  resolution: "dns",
  external: true,
  headless: false,
  dnsTargets: [],
  subjectAltNames: [],
  autoAddress: undefined,
  distribution: "any",
  publishesNotReady: false,
  ...more,
});
const addressesOf = (services: readonly Service[], wanted = true) =>
  withAutoAddresses(services.map((one) => ({ wanted, services: [one] }))).map(({ autoAddress }) => autoAddress);

test("an address depends on the name alone, not on who else is there", () => {
  const [alone] = addressesOf([service("api.example.com")]);
  const [, among] = addressesOf([service("other.example.com"), service("api.example.com")]);
  expect(alone).toMatch(/^240\.240\.\d+\.\d+$/);
  expect(among).toBe(alone);
  expect(addressesOf([service("api.example.com", { namespace: "bank" })])).not.toEqual([alone]);
});

test("no two have the same", () => {
  const all = addressesOf(Array.from({ length: 5000 }, (_, index) => service(`s${index}.example.com`)));
  expect(new Set(all).size).toBe(5000);
  expect(all).not.toContain("240.240.0.0");
  expect(all).not.toContain("240.240.255.255");
});

test.each<[string, Partial<Service>, boolean]>([
  ["one with an address", { addresses: ["10.0.0.1"] }, true],
  ["one with a range", { ranges: ["10.0.0.0/24"] }, true],
  ["one whose clients have its addresses", { resolution: "none" }, true],
  ["a wildcard", { hostname: "*.example.com" }, true],
  ["one that does not want any", {}, false],
])("%s gets none", (_, more, wanted) => {
  expect(addressesOf([service("api.example.com", more)], wanted)).toEqual([undefined]);
});
