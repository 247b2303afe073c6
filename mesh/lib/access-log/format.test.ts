import { expect, test } from "vitest";
import { compileJson, compileText, type Operators } from "./format.ts";
import { LineWriter } from "./writer.ts";

interface Record {
  readonly code: number;
  readonly path: string;
}

const operators: Operators<Record> = {
  find: (name, argument) => {
    if (name === "CODE") return (record) => record.code;
    if (name === "REQ") return (record) => (argument === ":PATH" ? record.path : "");
    return undefined;
  },
};

test.each([
  ['"%REQ(:PATH)%" %CODE%\n', '"/cart" 200\n'],
  ["%REQ(X-NONE)% %UNKNOWN% 100%%", "- - 100%"],
  ["%REQ(:PATH):3%|%CODE%", "/ca|200"],
])("%j", (format, line) => {
  expect(compileText(format, operators)({ code: 200, path: "/cart" })).toBe(line);
});

test("JSON keeps numbers and says null where there is nothing", () => {
  const write = compileJson(
    { code: "%CODE%", text: "a %CODE%", none: "%REQ(X)%", deep: { list: ["%REQ(:PATH)%"] } },
    operators,
  );
  expect(JSON.parse(write({ code: 503, path: "/" }))).toEqual({
    code: 503,
    text: "a 503",
    none: null,
    deep: { list: ["/"] },
  });
});

test("a writer gathers lines, waits for a slow reader, drops what is too much and counts it", () => {
  const written: string[] = [];
  let drain = (): void => {};
  const writer = new LineWriter(
    { write: (text) => written.push(text) < 1, onDrain: (listener) => (drain = listener) },
    { limitChars: 8 },
  );
  writer.write("one\n");
  writer.write("two\n");
  writer.flush();
  expect(written).toEqual(["one\ntwo\n"]);
  for (const line of ["abc\n", "def\n", "ghi\n"]) writer.write(line);
  writer.flush();
  expect({ written, dropped: writer.dropped }).toEqual({ written: ["one\ntwo\n"], dropped: 1 });
  drain();
  expect(written).toEqual(["one\ntwo\n", "abc\ndef\n"]);
});
