import { expect, test } from "vitest";
import { addressPool } from "./load-balancer-address.ts";

test.each([
  ["172.18.0.0/16", ["172.18.255.1", "172.18.255.254"], ["172.18.0.2", "172.18.255.255", "172.18.254.255"]],
  ["10.89.0.0/24", ["10.89.0.128", "10.89.0.254"], ["10.89.0.2", "10.89.0.255"]],
  ["192.168.7.64/26", ["192.168.7.96", "192.168.7.126"], ["192.168.7.65", "192.168.7.127"]],
])("the end of %s", (subnet, inside, outside) => {
  const pool = addressPool(subnet);
  for (const address of inside) expect(pool?.has(address), address).toBe(true);
  for (const address of outside) expect(pool?.has(address), address).toBe(false);
});

test.each(["fc00:f853:ccd:e793::/64", "172.18.0.0/30", "nonsense"])("%s has none", (subnet) => {
  expect(addressPool(subnet)).toBeUndefined();
});

test("each seed gets an address until all are taken", () => {
  const pool = addressPool("192.168.7.64/28")!;
  const taken = new Set<string>();
  for (let address = pool.choose(taken, "a"); address !== undefined; address = pool.choose(taken, "a")) {
    expect(taken.has(address)).toBe(false);
    taken.add(address);
  }
  expect(taken.size).toBe(8);
  expect(pool.choose(new Set(), "a")).toBe(pool.choose(new Set(), "a"));
});
