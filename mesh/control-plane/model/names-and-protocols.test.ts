import { describe, expect, it } from "vitest";
import { parseDuration } from "./duration.ts";
import { compareSpecificity, hostCovers, intersectHosts, resolveHost, shortNames } from "./host.ts";
import { protocolOf } from "./protocol.ts";

describe("protocol of a port", () => {
  it.each([
    [{ name: "http", port: 80 }, "http"],
    [{ name: "http-api", port: 80 }, "http"],
    [{ name: "HTTP2-x", port: 80 }, "http2"],
    [{ name: "grpc-web-x", port: 80 }, "grpc"],
    [{ name: "https", port: 443 }, "https"],
    [{ name: "httpbin", port: 80 }, "auto"],
    [{ name: "", port: 8080 }, "auto"],
    [{ port: 3306 }, "tcp"],
    [{ name: "web", port: 80, appProtocol: "kubernetes.io/h2c" }, "http2"],
    [{ name: "http", port: 80, appProtocol: "tcp" }, "tcp"],
    [{ name: "http", port: 80, transport: "UDP" }, "udp"],
  ] as const)("%j is %s", (port, expected) => expect(protocolOf(port)).toBe(expected));
});

describe("hosts", () => {
  it.each([
    ["cart", "cart.shop.svc.cluster.local"],
    ["cart.other", "cart.other"],
    ["*", "*"],
    ["*.example.com", "*.example.com"],
  ])("%s stands for %s", (host, expected) => expect(resolveHost(host, "shop", "cluster.local")).toBe(expected));

  it.each([
    ["*", "a.b", true],
    ["*.b", "a.b", true],
    ["*.b", "b", false],
    ["*.b", ".b", false],
    ["a.b", "a.b", true],
    ["a.b", "c.b", false],
  ])("%s covers %s: %s", (pattern, host, expected) => expect(hostCovers(pattern, host)).toBe(expected));

  it.each([
    ["*", "a.b", "a.b"],
    ["*.b", "*.a.b", "*.a.b"],
    ["x.b", "*.b", "x.b"],
    ["*.a", "*.b", undefined],
  ])("%s and %s meet in %s", (a, b, expected) => expect(intersectHosts(a, b)).toBe(expected));

  it("are ordered from narrow to wide", () => {
    expect(["*", "*.b", "x", "*.a.b", "xy"].toSorted(compareSpecificity)).toEqual(["xy", "x", "*.a.b", "*.b", "*"]);
  });

  it("have short names, shortest only in their own namespace", () => {
    const host = "cart.shop.svc.cluster.local";
    expect(shortNames(host, "shop", "cluster.local")).toEqual([host, "cart", "cart.shop.svc", "cart.shop"]);
    expect(shortNames(host, "other", "cluster.local")).toEqual([host, "cart.shop.svc", "cart.shop"]);
    expect(shortNames("example.com", "shop", "cluster.local")).toEqual(["example.com"]);
  });
});

describe("durations", () => {
  it.each([
    ["1.5s", { seconds: 1, nanos: 500_000_000 }],
    ["1h30m", { seconds: 5400, nanos: 0 }],
    ["250ms", { seconds: 0, nanos: 250_000_000 }],
    ["0s", { seconds: 0, nanos: 0 }],
  ])("%s", (text, expected) => expect(parseDuration(text)).toEqual(expected));

  it.each(["", "5", "s", "1 s", "soon", "-1s", "1s2"])("%j is none", (text) => {
    expect(() => parseDuration(text)).toThrow(/not a duration/);
  });
});
