import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AppError, errorCodes, toErrorReport } from "#api/errors.ts";

test("every code is documented, and every documented code exists", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map((match) => match[1]);
  expect(documented.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

test("a thrown value of any kind becomes a report", () => {
  expect(toErrorReport(new AppError("NOT_FOUND", "gone", { hint: "look" }))).toEqual({
    code: "NOT_FOUND",
    message: "gone",
    hint: "look",
  });
  expect(toErrorReport("text")).toEqual({ code: "INTERNAL", message: "text" });
  expect(toErrorReport(new TypeError("x"))).toMatchObject({ code: "INTERNAL", message: "x" });
});
