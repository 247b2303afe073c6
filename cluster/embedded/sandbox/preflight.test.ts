import { describe, expect, it } from "vitest";
import { unshareArguments } from "./preflight.ts";

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
