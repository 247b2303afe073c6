import { expect, test } from "vitest";
import { parseAuthority } from "./authority.ts";

test.each<[string | undefined, string | undefined]>([
  ["10.244.0.7:8080", "10.244.0.7 8080"],
  ["[fd00::7]:80", "fd00::7 80"],
  ["10.244.0.7:0", undefined],
  ["10.244.0.7:65536", undefined],
  ["10.244.0.7", undefined],
  ["10.244.0.700:80", undefined],
  ["010.244.0.7:80", undefined],
  ["fd00::7:80", undefined],
  ["[10.244.0.7]:80", undefined],
  ["ledger.bank:80", undefined],
  ["10.244.0.7:80@x:1", undefined],
  ["", undefined],
  [undefined, undefined],
])("%s", (text, expected) => {
  const found = parseAuthority(text);
  expect(found && `${found.address} ${found.port}`).toBe(expected);
});
