import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ebpfCapture } from "./ebpf-capture.ts";
import { add, assemble, exit, jump, label, set } from "./instructions.ts";
import { attachTypes, openBpf, programTypes } from "./system-call.ts";

type Look = Readonly<Record<string, string>>;
type Outcome = Readonly<Record<string, Look>> & { readonly impossible?: string };

/** What the probe saw, or why it could not look: it takes root on the machine itself, bpf(2) and cgroup2. */
function probe(): Outcome | { readonly impossible: string } {
  const args = ["--mount", process.execPath, join(import.meta.dirname, "../testing/ebpf-probe.ts")];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 60_000 });
  return status === 0 ? (JSON.parse(stdout) as Outcome) : { impossible: stderr.trim().split("\n")[0] ?? "" };
}
const outcome = probe();

describe.skipIf(outcome.impossible)(`capture by eBPF ${outcome.impossible ?? ""}`, () => {
  // What the application sees as its peer, then who answered and where the connection had been meant to go.
  const expected: Readonly<Record<string, string>> = {
    "captured out": "10.244.0.9:9000 outbound 10.244.0.9:9000",
    "captured mapped": "::ffff:10.244.0.9:9000 outbound 10.244.0.9:9000",
    "captured dnsOverTcp": "10.244.0.9:53 dns 10.244.0.9:53",
    "captured asked": "answer to b from 10.244.0.9:53",
    "captured askedConnected": "answer to a from 10.244.0.9:53",
    "captured itself": "10.244.0.7:8081 application4 10.244.0.7",
    "captured loopback": "127.0.0.1:8081 application4 127.0.0.1",
    "captured ownProxy": "10.244.0.7:15001 outbound direct",
    "captured arriving": "10.244.0.7:8081 inbound 10.244.0.7:8081",
    "captured nowhere": "10.244.0.7:4444 inbound 10.244.0.7:4444",
    "captured tunnel": "10.244.0.7:15008 tunnel 10.244.0.7:15008",
    "captured intruder": "10.244.0.7:15001 inbound 10.244.0.7:15001",
    "captured elsewhere": "10.244.0.9:9000 neighbour ::ffff:10.244.0.9",
    "captured client": "application4 10.244.0.9",
    "captured client6": "application ::ffff:10.244.0.9",
    "withoutDns asked": "real from 10.244.0.9:53",
    "withoutDns out": "10.244.0.9:9000 outbound 10.244.0.9:9000",
    "shared out": "10.244.0.9:9000 outbound 10.244.0.9:9000",
    "shared arriving": "10.244.0.7:8081 inbound 10.244.0.7:8081",
    "released out": "10.244.0.9:9000 neighbour ::ffff:10.244.0.7",
    "released arriving": "10.244.0.7:8081 application4 10.244.0.9",
    "released nowhere": "ECONNREFUSED",
    "released asked": "real from 10.244.0.9:53",
    "released askedConnected": "real from 10.244.0.9:53",
  };

  test.each(Object.entries(expected))("%s: %s", (what, answer) => {
    const [name, of] = what.split(" ");
    expect((outcome as Outcome)[name ?? ""]?.[of ?? ""]).toBe(answer);
  });

  test("says what the verifier has against a program", () => {
    const shape = { name: "wrong", type: programTypes.sockAddress, attachType: attachTypes.connect4 };
    const load = () => openBpf().loadProgram({ ...shape, instructions: assemble([add(3, 1), set(0, 1), exit]) });
    expect(load).toThrow(/cannot load the program wrong \(bpf\): errno \d+; the verifier said:[\s\S]*R3 !read_ok/);
  });
});

test("says that there are no control groups of version 2", () => {
  const folder = mkdtempSync(join(tmpdir(), "no-groups-"));
  expect(() => ebpfCapture(folder)).toThrow(`needs control groups of version 2, and there are none at ${folder}`);
  rmdirSync(folder);
});

test("instructions are put together as the kernel wants them, and jumps find their places", () => {
  const program = assemble([set(0, -1), jump("end"), add(0, 2), label("end"), exit]);
  expect(program.toString("hex")).toBe(
    "b7000000ffffffff" + "0500010000000000" + "0700000002000000" + "9500000000000000",
  );
  expect(() => assemble([jump("away")])).toThrow('a jump leads to "away", which is nowhere');
});
