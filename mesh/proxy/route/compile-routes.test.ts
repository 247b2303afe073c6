import { describe, expect, it } from "vitest";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { choose } from "../filters/routing.ts";
import { Head } from "../http1/head.ts";
import { parseRequestHead } from "../http1/parse-head.ts";
import { ClusterSlots } from "../upstream/cluster-slot.ts";
import { compileRoutes } from "./compile-routes.ts";
import type { CompiledRoutes } from "./compiled.ts";

const compile = (virtualHosts: readonly object[], rest: object = {}): CompiledRoutes =>
  compileRoutes(RouteConfiguration.fromJSON({ name: "80", virtualHosts, ...rest }), {
    slots: new ClusterSlots(),
    random: () => 0.5,
    filterConfig: () => undefined,
  });

const headOf = (path: string, headers = "", method = "GET"): Head => {
  const head = new Head();
  parseRequestHead(head, Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: cart:80\r\n${headers}\r\n`), 0);
  return head;
};
const to = (name: string, match: object) => ({ name, match, route: { cluster: name } });
const host = (routes: readonly object[], domains: readonly string[] = ["*"]) => ({ name: "h", domains, routes });

describe("routes", () => {
  const routes = compile([
    host([
      to("prefix-first", { prefix: "/a/b" }),
      to("exact", { path: "/a/b/c" }),
      to("tester", { path: "/x", headers: [{ name: "x-user", stringMatch: { exact: "tester" } }] }),
      to("x", { path: "/x" }),
      to("folded", { path: "/Fold", caseSensitive: false }),
      to("regex", { safeRegex: { regex: "/r/[0-9]+" } }),
      to("query", { prefix: "/q", queryParameters: [{ name: "v", stringMatch: { exact: "2" } }] }),
      to("post", { prefix: "/q", headers: [{ name: ":method", stringMatch: { exact: "POST" } }] }),
      to("below", { pathSeparatedPrefix: "/dir" }),
    ]),
  ]);
  it.each([
    ["/a/b/c", "", "GET", "prefix-first"],
    ["/x", "X-User: tester\r\n", "GET", "tester"],
    ["/x?y", "", "GET", "x"],
    ["/fOLD", "", "GET", "folded"],
    ["/r/12?x", "", "GET", "regex"],
    ["/r/12a", "", "GET", undefined],
    ["/q?a=1&v=2", "", "GET", "query"],
    ["/q?v=3", "", "POST", "post"],
    ["/q", "", "GET", undefined],
    ["/dir", "", "GET", "below"],
    ["/dir/x", "", "GET", "below"],
    ["/directory", "", "GET", undefined],
  ])("%s %s %s goes to %s", (path, headers, method, expected) => {
    expect(routes.find(headOf(path, headers, method))?.name).toBe(expected);
  });

  it("keeps the order of a long list of exact paths among others", () => {
    const many = Array.from({ length: 500 }, (_none, index) => to(`p${index}`, { path: `/p${index}` }));
    const list = compile([host([...many.slice(0, 250), to("all", { prefix: "/" }), ...many.slice(250)])]);
    expect(list.find(headOf("/p249"))?.name).toBe("p249");
    expect(list.find(headOf("/p250"))?.name).toBe("all");
  });

  it("finds the virtual host with or without its port", () => {
    const strict = compile([host([to("one", { prefix: "/" })], ["cart:80"])]);
    expect(strict.find(headOf("/"))?.name).toBe("one");
    const loose = compile([host([to("one", { prefix: "/" })], ["cart"])], { ignorePortInHostMatching: true });
    expect(loose.find(headOf("/"))?.name).toBe("one");
    expect(compile([host([to("one", { prefix: "/" })], ["cart"])]).find(headOf("/"))).toBeUndefined();
  });

  it("splits by weight", () => {
    const clusters = [
      { name: "v1", weight: 90 },
      { name: "v2", weight: 10 },
    ];
    const split = compile([host([{ match: { prefix: "/" }, route: { weightedClusters: { clusters } } }])]);
    const head = headOf("/");
    const action = split.find(head)?.action;
    if (action?.kind !== "forward") throw new Error("not forwarded");
    const at = (value: number) => choose(action.target, { head, random: () => value })?.slot.name;
    expect([at(0), at(0.899), at(0.9), at(0.999)]).toEqual(["v1", "v1", "v2", "v2"]);
  });

  it("rewrites paths and hosts", () => {
    const cases: readonly (readonly [object, object, string])[] = [
      [{ prefix: "/old" }, { prefixRewrite: "/new" }, "/new/a?b"],
      [{ prefix: "/" }, { regexRewrite: { pattern: { regex: "^/old/(.*)$" }, substitution: "/\\1" } }, "/a?b"],
    ];
    for (const [match, rewrite, expected] of cases) {
      const found = compile([host([{ match, route: { cluster: "c", ...rewrite } }])]).find(headOf("/old/a?b"));
      expect(found?.action.kind === "forward" && found.action.rewritePath?.("/old/a?b")).toBe(expected);
    }
  });

  it("names the route that cannot be used", () => {
    const bad = [to("bad", { safeRegex: { regex: "(" } })];
    expect(() => compile([host(bad)])).toThrow(/virtual host "h", route "bad"/);
    expect(() => compile([host([], ["a"]), host([], ["A"])])).toThrow(/"a"/);
  });
});
