import { describe, expect, it } from "vitest";
import { AppError, toErrorReport } from "./errors.ts";

describe("error reports", () => {
  const full = (fields: object = {}): Error =>
    Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", ...fields });
  it.each([
    [new AppError("PORT_TAKEN", "port 80 is taken", { hint: "Choose another." }), "PORT_TAKEN", "port 80 is taken"],
    [full(), "DISK_FULL", "there is no space left on the disk"],
    [full({ path: "/state/log" }), "DISK_FULL", "there is no space left on the disk for /state/log"],
    [new TypeError("x is undefined"), "INTERNAL", "x is undefined"],
    ["text", "INTERNAL", "text"],
  ])("%s", (error, code, message) => {
    expect(toErrorReport(error)).toMatchObject({ code, message });
  });
});
