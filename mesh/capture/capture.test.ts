import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const flags = [
  "-p",
  "15001",
  "-z",
  "15006",
  "-u",
  "1337",
  "-m",
  "REDIRECT",
  "-i",
  "*",
  "-x",
  "",
  "-b",
  "*",
  "-d",
  "15090,15021,15020",
];
const isRoot = process.getuid?.() === 0;
const works = (args: readonly string[]): boolean => spawnSync("unshare", [...args, "iptables-save"]).status === 0;

interface Outcome {
  readonly distinguishes: boolean;
  readonly rules: readonly string[];
  readonly again: readonly string[];
}

const probe = (args: readonly string[]): Outcome =>
  JSON.parse(
    execFileSync("unshare", [...args, process.execPath, join(import.meta.dirname, "testing/probe.ts"), ...flags], {
      encoding: "utf8",
    }),
  );

const expected = {
  applicationToOther: "outbound 10.244.0.9:9000",
  applicationToItself: "application direct",
  applicationToLoopback: "application direct",
  proxyToOther: "ECONNREFUSED",
  proxyToItsPod: "inbound 10.244.0.7:8080",
  proxyPassthrough: "application direct",
  otherToPod: "inbound 10.244.0.7:8080",
  otherToExcluded: "health direct",
};

/** In network namespaces of the tests' own, with the kernel's real rules. */
describe("captured traffic", () => {
  const asRoot = ["--net"];
  test.runIf(isRoot && works(asRoot))("reaches the proxy, told apart by user", () => {
    const outcome = probe(asRoot);
    expect(outcome).toMatchObject({ ...expected, distinguishes: true });
    expect(outcome.again).toEqual(outcome.rules);
  });

  const asOneUser = ["--user", "--map-root-user", "--net", "--mount"];
  test.runIf(works(asOneUser))("reaches the proxy, told apart by mark where only one id is mapped", () => {
    const outcome = probe(asOneUser);
    expect(outcome).toMatchObject({ ...expected, distinguishes: false });
    expect(outcome.again).toEqual(outcome.rules);
  });
});
