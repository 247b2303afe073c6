import { describe, expect, it } from "vitest";
import { AddressPool, formatAddress, nodeRange, parseAddress, parseRange } from "./addresses.ts";

describe("addresses", () => {
  it.each(["0.0.0.0", "10.244.0.5", "255.255.255.255"])("reads and writes %s", (text) => {
    expect(formatAddress(parseAddress(text) ?? -1)).toBe(text);
  });
  it.each(["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d"])("refuses %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
  it("gives each node a range of its own", () => {
    expect([0, 1].map((index) => nodeRange("10.244.0.0/16", index))).toEqual(["10.244.0.0/24", "10.244.1.0/24"]);
    expect(() => nodeRange("10.244.0.0/23", 2)).toThrow(/no room/);
    expect(() => parseRange("10.0.0.0/33")).toThrow(RangeError);
  });
  it("gives out every address once, the wanted one when it is free, and round again after release", () => {
    const pool = new AddressPool("10.0.0.0/29");
    expect(pool.take("10.0.0.4")).toBe("10.0.0.4");
    expect(pool.take("10.0.0.4")).toBe("10.0.0.2");
    expect(pool.take("192.168.0.1")).toBe("10.0.0.3");
    pool.release("10.0.0.2");
    expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([
      "10.0.0.5",
      "10.0.0.6",
      "10.0.0.2",
      undefined,
    ]);
  });
});
