import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { expect, test } from "vitest";
import { createSigningRequest } from "./signing-request.ts";

test("openssl verifies the request and reads its SPIFFE id", () => {
  const { privateKey, request } = createSigningRequest("spiffe://cluster.local/ns/shop/sa/cart");
  const text = execFileSync("openssl", ["req", "-noout", "-text", "-verify"], {
    input: request,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
  });
  expect(text).toContain("URI:spiffe://cluster.local/ns/shop/sa/cart");
  expect(text).toContain("ecdsa-with-SHA256");
  expect(createPrivateKey(privateKey).asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" });
});
