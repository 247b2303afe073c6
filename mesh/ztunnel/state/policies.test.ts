import { describe, expect, it } from "vitest";
import { Action, Authorization, type Match, Scope } from "#gen/istio/istio/security/authorization.ts";
import { type ConnectionFacts, Policies, type PolicyTarget } from "./policies.ts";

type PartialMatch = { readonly [Key in keyof Match]?: readonly unknown[] };

const exact = (value: string) => ({ matchType: { $case: "exact", value } });
const prefix = (value: string) => ({ matchType: { $case: "prefix", value } });
const suffix = (value: string) => ({ matchType: { $case: "suffix", value } });
const presence = { matchType: { $case: "presence", value: {} } };
const block = (address: string, length: number) => ({ address: Buffer.from(address.split(".").map(Number)), length });

const payments = "spiffe://cluster.local/ns/bank/sa/payments";
const facts = (own: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  identity: payments,
  source: "10.244.0.9",
  destination: "10.244.0.5",
  port: 8080,
  ...own,
});
const target: PolicyTarget = { namespace: "bank", authorizationPolicies: ["bank/selected"] };

/** `clauses` all have to hold, of each one match. */
function policy(name: string, own: Partial<Authorization>, ...groups: readonly (readonly PartialMatch[])[][]) {
  return Authorization.fromPartial({
    name,
    namespace: "bank",
    scope: Scope.NAMESPACE,
    ...own,
    groups: groups.map((clauses) => ({ rules: clauses.map((matches) => ({ matches: matches as Match[] })) })),
  });
}

function verdict(policies: readonly Authorization[], of: ConnectionFacts) {
  const all = new Policies();
  const changed = policies.map((resource) => ({
    name: `${resource.namespace}/${resource.name}`,
    version: "1",
    resource,
  }));
  all.apply({ changed, removed: [] });
  return all.check(target, of);
}

describe("one match", () => {
  it.each<[string, PartialMatch, Partial<ConnectionFacts>, boolean]>([
    ["nothing asked", {}, {}, true],
    ["principal", { principals: [exact("cluster.local/ns/bank/sa/payments")] }, {}, true],
    ["another principal", { principals: [exact("cluster.local/ns/bank/sa/ledger")] }, {}, false],
    ["principal by prefix", { principals: [prefix("cluster.local/ns/bank/")] }, {}, true],
    ["principal by suffix", { principals: [suffix("/sa/payments")] }, {}, true],
    ["any principal", { principals: [presence] }, {}, true],
    ["any principal, plaintext", { principals: [presence] }, { identity: undefined }, false],
    ["no principal, plaintext", { notPrincipals: [presence] }, { identity: undefined }, true],
    ["no principal, proven", { notPrincipals: [presence] }, {}, false],
    ["one of several", { principals: [exact("x"), suffix("/payments")] }, {}, true],
    ["namespace", { namespaces: [exact("bank")] }, {}, true],
    ["a namespace is no prefix", { namespaces: [exact("ban")] }, {}, false],
    ["namespace, plaintext", { namespaces: [exact("bank")] }, { identity: undefined }, false],
    ["not this namespace, plaintext", { notNamespaces: [exact("bank")] }, { identity: undefined }, true],
    ["block", { sourceIps: [block("10.244.0.0", 24)] }, {}, true],
    ["outside the block", { sourceIps: [block("10.244.1.0", 24)] }, {}, false],
    ["not this block", { notSourceIps: [block("10.244.0.0", 24)] }, {}, false],
    ["destination", { destinationIps: [block("10.244.0.5", 32)] }, {}, true],
    ["port", { destinationPorts: [80, 8080] }, {}, true],
    ["not this port", { notDestinationPorts: [8080] }, {}, false],
    ["all fields count", { destinationPorts: [8080], namespaces: [exact("shop")] }, {}, false],
  ])("%s", (_, match, own, expected) => {
    const denying = policy("p", { action: Action.DENY }, [[match]]);
    expect(verdict([denying], facts(own)).allowed).toBe(!expected);
    const allowing = policy("p", { action: Action.ALLOW }, [[match]]);
    expect(verdict([allowing], facts(own)).allowed).toBe(expected);
  });
});

describe("policies together", () => {
  const everyone = [[{}]] as const;
  const port = (number: number) => [{ destinationPorts: [number] }];
  it.each<[string, readonly Authorization[], boolean, string | undefined]>([
    ["none", [], true, undefined],
    ["an ALLOW without rules allows nobody", [policy("a", {})], false, undefined],
    ["an ALLOW with an empty rule allows everybody", [policy("a", {}, [])], true, "bank/a"],
    ["a DENY without rules denies nobody", [policy("d", { action: Action.DENY })], true, undefined],
    [
      "DENY wins",
      [policy("a", {}, [...everyone.map((one) => [...one])]), policy("d", { action: Action.DENY }, [port(8080)])],
      false,
      "bank/d",
    ],
    ["one ALLOW is enough", [policy("a", {}, [port(1)]), policy("b", {}, [port(8080)])], true, "bank/b"],
    ["all clauses of a rule", [policy("a", {}, [port(8080), port(1)])], false, undefined],
    ["one of several rules", [policy("a", {}, [port(1)], [port(8080)])], true, "bank/a"],
    ["of another namespace", [policy("a", { namespace: "shop" })], true, undefined],
    ["of the mesh", [policy("a", { namespace: "istio-system", scope: Scope.GLOBAL })], false, undefined],
    ["that selects the workload", [policy("selected", { scope: Scope.WORKLOAD_SELECTOR })], false, undefined],
    ["that selects another", [policy("other", { scope: Scope.WORKLOAD_SELECTOR })], true, undefined],
  ])("%s", (_, policies, allowed, named) => {
    expect(verdict(policies, facts())).toMatchObject({ allowed, policy: named });
  });

  it("names who denied", () => {
    expect(verdict([policy("d", { action: Action.DENY }, [])], facts())).toEqual({
      allowed: false,
      policy: "bank/d",
      reason: "explicitly denied by: bank/d",
    });
  });

  it("forgets what was removed and follows what changed its scope", () => {
    const all = new Policies();
    const put = (resource: Authorization) =>
      all.apply({ changed: [{ name: "bank/p", version: "1", resource }], removed: [] });
    put(policy("p", {}));
    expect(all.check(target, facts()).allowed).toBe(false);
    put(policy("p", { scope: Scope.WORKLOAD_SELECTOR }));
    expect(all.check(target, facts()).allowed).toBe(true);
    put(policy("p", {}));
    all.apply({ changed: [], removed: ["bank/p"] });
    expect(all.check(target, facts()).allowed).toBe(true);
  });
});
