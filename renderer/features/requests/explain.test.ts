import { expect, test } from "vitest";
import { explanationsOf, isRefused } from "./explain.ts";

const reporter = { namespace: "shop", pod: "ledger-1", direction: "inbound" } as const;
const request = { flags: "-", details: "via_upstream", principal: "", mutualTls: true, reporter, configSource: "" };
const strict = "/apis/security.istio.io/v1/namespaces/bank/peer-authentication/default";
const cart = "spiffe://cluster.local/ns/shop/sa/cart";

test.each([
  ["one that went well", {}, []],
  ["a flag", { flags: "UF,URX" }, ["the connection to the endpoint failed", "every retry failed too"]],
  ["a flag that is not known", { flags: "XX" }, ["see Envoy's documentation"]],
  ["nobody's leave", { details: "rbac_access_denied_matched_policy[none]" }, ["no policy allows it"]],
  [
    "a rule",
    { details: "rbac_access_denied_matched_policy[ns[shop]-policy[locked-users]-rule[0]]" },
    ["rule 1 of AuthorizationPolicy shop/locked-users refuses it"],
  ],
  [
    "an external authorizer",
    {
      flags: "UAEX",
      details: "ext_authz_denied_matched_policy[istio-ext-authz-my-login-ns[shop]-policy[ask]-rule[0]]",
    },
    ["the external authorizer my-login refuses it"],
  ],
  [
    "one that is away",
    {
      flags: "UAEX",
      details: "ext_authz_error_matched_policy[istio-ext-authz-a-ns[s]-policy[p]-rule[0]]{no_endpoint_is_healthy}",
    },
    ["the external authorizer a gave no answer: no endpoint is healthy"],
  ],
  [
    "one that is not there",
    {
      details:
        "rbac_access_denied_matched_policy[istio-ext-authz-a-ns[s]-policy[p]-rule[0]-deny-due-to-bad-CUSTOM-action]",
    },
    ["AuthorizationPolicy s/p asks provider a, which cannot be asked: so it is refused"],
  ],
  ["a token", { details: "jwt_authn_access_denied{Jwt_is_expired}" }, ["the token is not good: Jwt is expired"]],
  [
    "plain text",
    { flags: "NR", details: "filter_chain_not_found", mutualTls: false, configSource: strict },
    ["the connection came in plain text, and PeerAuthentication bank/default demands mutual TLS"],
  ],
  [
    "a revoked certificate",
    { details: "TLS_error:CERT_REVOKED", mutualTls: false },
    ["the other side's certificate is revoked"],
  ],
  [
    "no chain for what the workload itself sends",
    { flags: "NR", details: "filter_chain_not_found", reporter: { ...reporter, direction: "outbound" as const } },
    ["no route matched"],
  ],
])("%s is explained", (_, change, means) => {
  expect(explanationsOf({ ...request, ...change }).map((one) => one.means)).toEqual(means);
});

test("a refusal says who the caller was", () => {
  const refused = { ...request, details: "rbac_access_denied_matched_policy[none]", principal: cart };
  expect(explanationsOf(refused)[0]?.look).toContain(cart);
  expect(isRefused(refused)).toBe(true);
  expect(isRefused(request)).toBe(false);
});
