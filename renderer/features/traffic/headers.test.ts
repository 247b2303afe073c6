import { expect, test } from "vitest";
import { headersOf, textOf } from "./headers.ts";

test.each([
  ["x-tester: yes", { "x-tester": "yes" }],
  ["X-A: 1,  b:c:d ", { "x-a": "1", b: "c:d" }],
  ["", {}],
  ["nothing", {}],
])("headers of %j", (text, headers) => {
  expect(headersOf(text)).toEqual(headers);
  expect(headersOf(textOf(headers))).toEqual(headers);
});
