import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRevoked, parseRevocationLists, problemsOfLists, RevocationError } from "./revocation.ts";
import { createAuthority, type TestAuthority } from "./testing/authority.ts";

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
  stranger = createAuthority();
});
afterAll(() => {
  authority.close();
  stranger.close();
});

describe("a list of revoked certificates that openssl made", () => {
  it("names what was revoked and nothing else", () => {
    const [one, other] = ["cart", "front"].map((name) => authority.issue(`spiffe://cluster.local/ns/shop/sa/${name}`));
    const lists = parseRevocationLists(authority.revoke([one!.certificate]));
    expect(isRevoked(lists, new X509Certificate(one!.certificate))).toBe(true);
    expect(isRevoked(lists, new X509Certificate(other!.certificate))).toBe(false);
    expect(problemsOfLists(lists, [authority.rootPem])).toEqual([]);
    expect(lists[0]!.nextUpdate!.getTime()).toBeGreaterThan(Date.now());
  });

  it("may be empty, and there may be none", () => {
    const { certificate } = authority.issue("spiffe://cluster.local/ns/shop/sa/cart");
    expect(isRevoked(parseRevocationLists(authority.revoke([])), new X509Certificate(certificate))).toBe(false);
    expect(parseRevocationLists("\n")).toEqual([]);
  });

  it("counts for its own authority only, though names and numbers may be alike", () => {
    const { certificate } = authority.issue("spiffe://cluster.local/ns/shop/sa/cart");
    const lists = parseRevocationLists(stranger.revoke([]));
    expect(isRevoked(lists, new X509Certificate(certificate))).toBe(false);
    expect(problemsOfLists(lists, [authority.rootPem])).toEqual([
      "a list of revoked certificates is not signed by an authority of the mesh",
    ]);
  });

  it("says when it has ended", () => {
    const lists = parseRevocationLists(authority.revoke([], { ended: true }));
    expect(problemsOfLists(lists, [authority.rootPem])).toEqual([
      "the list of revoked certificates ended on 2020-01-02T00:00:00.000Z",
    ]);
  });

  it.each([
    ["no PEM", "nonsense"],
    ["cut off", "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"],
  ])("is refused when it is %s", (_, text) => {
    expect(() => parseRevocationLists(text)).toThrow(RevocationError);
  });
});
