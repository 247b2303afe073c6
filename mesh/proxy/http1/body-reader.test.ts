import { describe, expect, it } from "vitest";
import { BodyReader } from "./body-reader.ts";

/** Feeds a body in pieces of a size; gives what goes over, how much was taken and how it ended. */
function feed(text: string, size: number): { forwarded: string; taken: number; done: boolean; malformed: boolean } {
  const reader = new BodyReader();
  reader.chunked();
  let forwarded = "";
  let taken = 0;
  for (let at = 0; at < text.length && !reader.done && !reader.malformed; at += size) {
    const piece = Buffer.from(text.slice(at, at + size), "latin1");
    const next = reader.read(piece, 0, piece.length);
    taken += next;
    forwarded += piece.toString("latin1", 0, reader.forwardEnd);
    if (reader.done) forwarded += reader.closing;
  }
  return { forwarded, taken, done: reader.done, malformed: reader.malformed };
}

const sizes = [1, 2, 3, 7, 1000];

describe("chunked bodies", () => {
  const whole = "4\r\nwiki\r\n5;a=b\r\npedia\r\n0\r\n\r\n";
  it.each(sizes)("pass unchanged in pieces of %i", (size) => {
    expect(feed(whole, size)).toEqual({ forwarded: whole, taken: whole.length, done: true, malformed: false });
  });

  it.each(sizes)("lose their trailers in pieces of %i", (size) => {
    const text = "1\r\na\r\n0\r\nX: y\r\nContent-Length: 3\r\n\r\n";
    const result = feed(text, size);
    expect(result).toMatchObject({ forwarded: "1\r\na\r\n0\r\n\r\n", done: true });
    expect(result.taken).toBe(text.length);
  });

  it("end where the next message begins", () => {
    const result = feed(`${whole}GET /smuggled`, 1000);
    expect([result.done, result.taken]).toEqual([true, whole.length]);
  });

  const bad = [
    "\r\n",
    "x\r\n",
    "-1\r\n",
    "+1\r\n",
    "0x1\r\n",
    " 1\r\na\r\n",
    "1\na\n",
    "1\r\na\n",
    "1\r\nab\r\n",
    "1\r\nabc0\r\n\r\n",
    "1;a\nb\r\n",
    "1;a\rb\r\n",
    "1;\0\r\na",
    "ffffffffffffffff\r\n",
    "0\r\nX y: z\r\n\r\n",
    "0\r\n X: y\r\n\r\n",
    "0\r\nX: y\n\r\n",
    "0\r\n\rX",
  ];
  it.each(
    bad.flatMap(
      (text) =>
        [
          [text, 1],
          [text, 1000],
        ] as const,
    ),
  )("%j is refused in pieces of %i", (text, size) => {
    expect(feed(text, size).malformed).toBe(true);
  });

  it("give their data alone where asked", () => {
    const reader = new BodyReader();
    reader.chunked();
    reader.unframe = true;
    const buffer = Buffer.from(whole);
    reader.read(buffer, 0, buffer.length);
    const data = [
      buffer.toString("latin1", reader.data[0], reader.data[1]),
      buffer.toString("latin1", reader.data[2], reader.data[3]),
    ];
    expect(data).toEqual(["wiki", "pedia"]);
  });
});

describe("other bodies", () => {
  it("take as many bytes as announced", () => {
    const reader = new BodyReader();
    reader.length(5);
    expect(reader.read(Buffer.from("abc"), 0, 3)).toBe(3);
    expect(reader.done).toBe(false);
    expect(reader.read(Buffer.from("defgh"), 0, 5)).toBe(2);
    expect(reader.done).toBe(true);
  });
});
