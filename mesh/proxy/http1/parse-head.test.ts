import { describe, expect, it } from "vitest";
import { Head } from "./head.ts";
import { headErrorOf, INCOMPLETE, parseRequestHead, parseResponseHead } from "./parse-head.ts";

const parse = (text: string): { head: Head; end: number } => {
  const head = new Head();
  return { head, end: parseRequestHead(head, Buffer.from(text, "latin1"), 0) };
};
const statusOf = (text: string): number => {
  const { end } = parse(text);
  if (end === INCOMPLETE) return 0;
  return end > 0 ? 200 : headErrorOf(end).status;
};

describe("request heads", () => {
  it("takes a head apart and gives it back unchanged", () => {
    const lines = "Host: cart:80\r\nX-One:  a b \r\nX-Two:\r\n";
    const { head, end } = parse(`GET /a?b=c HTTP/1.1\r\n${lines}\r\nrest`);
    expect(end).toBe(`GET /a?b=c HTTP/1.1\r\n${lines}\r\n`.length);
    expect([head.method, head.path, head.authority, head.version]).toEqual(["GET", "/a?b=c", "cart:80", 11]);
    expect(head.get("x-one")).toBe("a b");
    expect(head.get("x-two")).toBe("");
    expect(head.get("x-three")).toBeUndefined();
    expect(head.lines()).toBe(lines);
  });

  it("leaves out what was dropped and adds what was added", () => {
    const { head } = parse("GET / HTTP/1.1\r\nA: 1\r\nHost: h\r\nB: 2\r\nConnection: keep-alive\r\nC: 3\r\n\r\n");
    head.remove("b");
    head.set("c", "4");
    head.add("d", "5");
    expect(head.lines()).toBe("A: 1\r\nHost: h\r\nc: 4\r\nd: 5\r\n");
  });

  it("knows an incomplete head at every length", () => {
    const text = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    for (let length = 0; length < text.length; length += 1)
      expect([length, statusOf(text.slice(0, length))]).toEqual([length, 0]);
    expect(statusOf(text)).toBe(200);
  });

  const host = "Host: a\r\n";
  const cases: readonly (readonly [string, string, number])[] = [
    ["two lengths", `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ["the same length twice", `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, 400],
    ["a list of lengths", `GET / HTTP/1.1\r\n${host}Content-Length: 1, 1\r\n\r\n`, 400],
    ["a signed length", `GET / HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\n`, 400],
    ["a negative length", `GET / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`, 400],
    ["a hexadecimal length", `GET / HTTP/1.1\r\n${host}Content-Length: 0x1\r\n\r\n`, 400],
    ["an empty length", `GET / HTTP/1.1\r\n${host}Content-Length:\r\n\r\n`, 400],
    ["an endless length", `GET / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`, 400],
    ["length and coding", `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    ["coding and length", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`, 400],
    ["an unknown coding", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: gzip\r\n\r\n`, 501],
    ["a list of codings", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    ["chunked twice", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, 501],
    ["a disguised coding", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n`, 501],
    ["a coding after a vertical tab", `GET / HTTP/1.1\r\n${host}Transfer-Encoding: \x0bchunked\r\n\r\n`, 400],
    ["chunked in HTTP/1.0", `GET / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, 400],
    ["space before the colon", `GET / HTTP/1.1\r\n${host}Content-Length : 1\r\n\r\n`, 400],
    ["a folded line", `GET / HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n`, 400],
    ["a folded first line", `GET / HTTP/1.1\r\n ${host}\r\n`, 400],
    ["a bare LF", `GET / HTTP/1.1\n${host}\r\n`, 400],
    ["a bare LF in a field", `GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n`, 400],
    ["a bare CR in a field", `GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n`, 400],
    ["a bare CR before the end", `GET / HTTP/1.1\r\n${host}\r\r\n`, 400],
    ["NUL in a value", `GET / HTTP/1.1\r\n${host}A: b\0c\r\n\r\n`, 400],
    ["NUL in a name", `GET / HTTP/1.1\r\n${host}A\0: b\r\n\r\n`, 400],
    ["DEL in a value", `GET / HTTP/1.1\r\n${host}A: b\x7f\r\n\r\n`, 400],
    ["an empty name", `GET / HTTP/1.1\r\n${host}: b\r\n\r\n`, 400],
    ["a name with brackets", `GET / HTTP/1.1\r\n${host}A(b): c\r\n\r\n`, 400],
    ["no colon", `GET / HTTP/1.1\r\n${host}abc\r\n\r\n`, 400],
    ["an unknown method", `GETT / HTTP/1.1\r\n${host}\r\n`, 400],
    ["a lower-case method", `get / HTTP/1.1\r\n${host}\r\n`, 400],
    ["an endless method", `${"A".repeat(40)} / HTTP/1.1\r\n${host}\r\n`, 400],
    ["two spaces", `GET  / HTTP/1.1\r\n${host}\r\n`, 400],
    ["a tab for a space", `GET\t/ HTTP/1.1\r\n${host}\r\n`, 400],
    ["a space in the target", `GET /a b HTTP/1.1\r\n${host}\r\n`, 400],
    ["a fragment", `GET /a#b HTTP/1.1\r\n${host}\r\n`, 400],
    ["no slash", `GET a HTTP/1.1\r\n${host}\r\n`, 400],
    ["a control character in the target", `GET /\x01 HTTP/1.1\r\n${host}\r\n`, 400],
    ["HTTP/1.2", `GET / HTTP/1.2\r\n${host}\r\n`, 505],
    ["HTTP/2.0", `GET / HTTP/2.0\r\n${host}\r\n`, 505],
    ["no version", `GET /\r\n${host}\r\n`, 400],
    ["a lower-case version", `GET / http/1.1\r\n${host}\r\n`, 400],
    ["space after the version", `GET / HTTP/1.1 \r\n${host}\r\n`, 400],
    ["no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400],
    ["two hosts", `GET / HTTP/1.1\r\n${host}Host: b\r\n\r\n`, 400],
    ["an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
    ["a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["a host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
    ["a host with a comma and space", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
    ["too many fields", `GET / HTTP/1.1\r\n${host}${"A: b\r\n".repeat(101)}\r\n`, 431],
    ["an absolute target", `GET http://b/c HTTP/1.1\r\n${host}\r\n`, 200],
    ["an absolute target of another scheme", `GET ftp://b/c HTTP/1.1\r\n${host}\r\n`, 400],
    ["the asterisk", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 200],
    ["the asterisk for another method", `GET * HTTP/1.1\r\n${host}\r\n`, 400],
    ["an empty line first", `\r\nGET / HTTP/1.1\r\n${host}\r\n`, 200],
    ["an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200],
    ["underscores", `GET / HTTP/1.1\r\n${host}a_b: c\r\n\r\n`, 200],
    ["obs-text", `GET / HTTP/1.1\r\n${host}a: \xe4\r\n\r\n`, 200],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ];
  it.each(cases)("%s", (_name, text, status) => {
    expect(statusOf(text)).toBe(status);
  });

  it("takes the authority of an absolute target before the Host field", () => {
    const { head } = parse("GET http://b:81?x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect([head.authority, head.path]).toEqual(["b:81", "/?x"]);
  });
});

describe("response heads", () => {
  const parseAnswer = (text: string): { head: Head; end: number } => {
    const head = new Head();
    return { head, end: parseResponseHead(head, Buffer.from(text, "latin1"), 0) };
  };
  it.each([
    ["HTTP/1.1 200 OK\r\n\r\n", true],
    ["HTTP/1.1 204\r\n\r\n", true],
    ["HTTP/1.0 200 Fine by me\r\nA: b\r\n\r\n", true],
    ["HTTP/1.1 20 OK\r\n\r\n", false],
    ["HTTP/1.1 099 OK\r\n\r\n", false],
    ["HTTP/1.1 2000 OK\r\n\r\n", true],
    ["HTTP/2 200 OK\r\n\r\n", false],
    ["HTTP/1.1 200 OK\nA: b\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false],
  ])("%j", (text, good) => {
    expect(parseAnswer(text).end > 0).toBe(good);
  });
});
