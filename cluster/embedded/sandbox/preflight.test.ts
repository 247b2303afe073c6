import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkSandbox, unshareArguments } from "./preflight.ts";
import { run } from "./run.ts";

describe("the namespaces of each mode", () => {
  it.each([
    ["root", []],
    ["user", ["--user", "--map-root-user", "--map-auto"]],
    ["user-single", ["--user", "--map-root-user"]],
  ] as const)("%s", (mode, before) => {
    const common = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    expect(unshareArguments(mode)).toEqual([...before, ...common]);
  });
});

const possible = await checkSandbox().then(
  () => true,
  () => false,
);
const script = `
  import(${JSON.stringify(fileURLToPath(new URL("preflight.ts", import.meta.url)))}).then(({ checkSandbox }) =>
    checkSandbox().then(console.log, (error) => console.log(JSON.stringify(error.toReport()))));`;

describe.runIf(possible)("what is missing", () => {
  it.each([
    ["echo 0 > /proc/sys/user/max_net_namespaces", "NAMESPACES_DENIED", "user.max_net_namespaces"],
    ["mount --bind /dev/null /usr/bin/bwrap", "TOOL_MISSING", "apt-get install bubblewrap"],
  ])("after %s", async (damage, code, hint) => {
    const inside = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"];
    const output = await run([...inside, "sh", "-c", `${damage} && exec "$0" -e "$1"`, process.execPath, script]);
    expect(JSON.parse(output)).toMatchObject({ code, hint: expect.stringContaining(hint) });
  });
});
