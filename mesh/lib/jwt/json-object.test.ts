import { expect, it } from "vitest";
import { parseObject } from "./json-object.ts";

it.each<[string, string, boolean]>([
  ["an object", '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', true],
  ["a name twice", '{"a":1,"a":1}', false],
  ["a name twice, once with an escape", '{"a":1,"\\u0061":2}', false],
  ["a name twice, further in", '{"a":{"b":1,"c":[],"b":2}}', false],
  ["a name twice, in a list", '{"a":[{"b":1,"b":2}]}', false],
  ["a name that looks like more", '{"a":"\\"a\\":1","b":"{\\"a\\"","c":1}', true],
  ["a text with a colon", '{"a":"b:","b":":"}', true],
  ["white space before colons", '{"a" : 1, "a"\n: 2}', false],
  ["a list", "[]", false],
  ["nothing", "null", false],
  ["no JSON", '{"a":1', false],
])("%s", (_, text, good) => {
  expect(parseObject(text) !== undefined).toBe(good);
});
