import { expect, it } from "vitest";
import { claimOf } from "./route-claims.ts";

it.each<[string, readonly string[] | undefined]>([
  ["@request.auth.claims.role", ["role"]],
  ["@Request.Auth.Claims.Role", ["Role"]],
  ["@request.auth.claims.realm.role", ["realm", "role"]],
  ["@request.auth.claims[role]", ["role"]],
  ["@request.auth.claims[https://a.test/groups][role]", ["https://a.test/groups", "role"]],
  ["@request.auth.claims", undefined],
  ["@request.auth.claims.", undefined],
  ["@request.auth.claims[]", undefined],
  ["@request.auth.claimsrole", undefined],
  ["request.auth.claims.role", undefined],
  ["x-role", undefined],
])("the header key %s means %j", (key, claim) => {
  expect(claimOf(key)).toEqual(claim);
});
