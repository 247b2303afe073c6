import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { exchange, type Harness, harness, rawServer, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, httpFilter, listenerOf, routesOf } from "./listener/testing/resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function proxyBefore(port: number, manager: object = {}): Promise<Harness> {
  const one = harness();
  closers.push(() => one.close());
  one.plane.apply({ type: "cluster", changed: [clusterOf("cart", [port])], removed: [] });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "cart", timeout: { seconds: 0 } } }];
  one.plane.apply({ type: "route", changed: [routesOf("80", [{ name: "all", domains: ["*"], routes }])], removed: [] });
  const filter = httpFilter({ rds: { routeConfigName: "80" }, normalizePath: true, ...manager });
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: [filter] }] })], removed: [] });
  await one.plane.listening();
  return one;
}

async function application() {
  const app = await upstream((request) => respond(request.split("\r\n", 1)[0] ?? ""));
  closers.push(() => app.close());
  return app;
}

const post = (headers: string, body: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;

describe("hostile clients", () => {
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  it.each([
    ["two lengths", post("Content-Length: 0\r\nContent-Length: 38\r\n", smuggled), 400],
    ["length and coding", post("Content-Length: 38\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`), 400],
    ["a disguised coding", post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${smuggled}`), 501],
    ["a coding in a folded line", post("X: y\r\n Transfer-Encoding: chunked\r\n", smuggled), 400],
    ["space before the colon", post("Content-Length : 38\r\n", smuggled), 400],
    ["a bare LF", `GET / HTTP/1.1\nHost: a\n\n${smuggled}`, 400],
    ["a chunk's size with a bare LF", post("Transfer-Encoding: chunked\r\n", `2\nab\r\n0\r\n\r\n${smuggled}`), 400],
    ["a chunk's extension with a bare LF", post("Transfer-Encoding: chunked\r\n", `2;a\n38;b\r\nab\r\n0\r\n\r\n`), 400],
    ["a chunk's size in other notations", post("Transfer-Encoding: chunked\r\n", `0x2\r\nab\r\n0\r\n\r\n`), 400],
    ["a chunk's size with a sign", post("Transfer-Encoding: chunked\r\n", `+2\r\nab\r\n0\r\n\r\n`), 400],
    ["a chunk's size with a space first", post("Transfer-Encoding: chunked\r\n", ` 2\r\nab\r\n0\r\n\r\n`), 400],
    ["an endless chunk", post("Transfer-Encoding: chunked\r\n", `fffffffffffffffff\r\nab`), 400],
    ["a chunk that is longer than it says", post("Transfer-Encoding: chunked\r\n", `2\r\nabc\r\n0\r\n\r\n`), 400],
    ["an absolute target with a user", `GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n${smuggled}`, 400],
    ["a bad chunk at once", post("Transfer-Encoding: chunked\r\n", `zz\r\n${smuggled}`), 400],
    ["a head that is too large", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(70_000)}\r\n\r\n${smuggled}`, 431],
    ["too many fields", `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(200)}\r\n${smuggled}`, 431],
    ["no host", `GET / HTTP/1.1\r\n\r\n${smuggled}`, 400],
    ["CONNECT", `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n`, 403],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426],
  ])("%s never reaches the upstream", async (name, bytes, status) => {
    const app = await application();
    const one = await proxyBefore(app.port);
    const answer = await exchange(one.port(), bytes, (text) => name === "CONNECT" && text.includes("\r\n\r\n"));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(app.seen.requests.join("")).not.toContain("smuggled");
    expect(app.seen.requests).toEqual([]);
    expect(one.records[0]?.status).toBe(status);
  });

  it("refuses a chunk that turns bad after the request went on", async () => {
    const app = await application();
    const one = await proxyBefore(app.port);
    const socket = connect({ host: "127.0.0.1", port: one.port() });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.write(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"));
    await until(() => app.seen.connections === 1);
    socket.write("zz\r\n");
    await until(() => socket.destroyed || socket.readableEnded);
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(app.seen.requests).toEqual([]);
    expect(one.records[0]?.flags).toBe("DPE");
  });

  it("leaves out trailers, so that none of them becomes a field for the next hop", async () => {
    const app = await application();
    const one = await proxyBefore(app.port);
    const body = "2\r\nab\r\n0\r\nContent-Length: 99\r\nHost: b\r\n\r\n";
    await exchange(one.port(), post("Transfer-Encoding: chunked\r\nTrailer: Host\r\n", body), (text) =>
      text.endsWith("HTTP/1.1"),
    );
    expect(app.seen.requests.join("")).not.toMatch(/content-length|host: b/i);
    expect(app.seen.requests).toHaveLength(1);
  });

  it("refuses bodies over the limit, announced or not", async () => {
    const app = await application();
    const large = (text: string): boolean => text.endsWith("Payload Too Large");
    // max_request_bytes: 8
    const buffer = { typeUrl: "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer", value: "CgIICA==" };
    const httpFilters = [{ name: "envoy.filters.http.buffer", typedConfig: buffer }];
    const one = await proxyBefore(app.port, { httpFilters });
    expect(await exchange(one.port(), post("Content-Length: 9\r\n", "123456789"), large)).toMatch(/^HTTP\/1.1 413 /);
    expect(app.seen.requests).toEqual([]);
    expect(
      await exchange(one.port(), post("Content-Length: 8\r\n", "12345678"), (text) => text.endsWith("1.1")),
    ).toMatch(/ 200 /);
    expect(
      await exchange(one.port(), post("Transfer-Encoding: chunked\r\n", "9\r\n123456789\r\n0\r\n\r\n"), large),
    ).toMatch(/ 413 /);
  });

  it("tells a client that is too slow with its head", async () => {
    const app = await application();
    const one = await proxyBefore(app.port, { requestHeadersTimeout: { nanos: 100e6 } });
    const answer = await exchange(one.port(), "GET / HTTP/1.1\r\nHost: a\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  it("serves HTTP/1.0 where it is allowed, without the chunked coding", async () => {
    const app = await rawServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () =>
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n"),
      );
    });
    closers.push(() => app.server.close());
    const one = await proxyBefore(app.port, { httpProtocolOptions: { acceptHttp10: true } });
    const answer = await exchange(one.port(), "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    expect(answer).toMatch(/\r\n\r\nwikipedia$/);
    expect(answer).not.toMatch(/chunked/i);
  });

  it("does not believe a server that breaks the rules", async () => {
    const answers = ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "nonsense\r\n\r\n"];
    for (const bytes of answers) {
      const app = await rawServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(bytes));
      });
      closers.push(() => app.server.close());
      const one = await proxyBefore(app.port);
      const answer = await exchange(one.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", (text) =>
        text.endsWith("protocol error"),
      );
      expect(answer).toMatch(/^HTTP\/1.1 502 /);
      expect(one.records[0]?.flags).toBe("UPE");
    }
  });

  it("turns an answer that ends with its connection into chunks", async () => {
    const app = await rawServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\nhello ");
        setTimeout(() => socket.end("world"), 20);
      });
    });
    closers.push(() => app.server.close());
    const one = await proxyBefore(app.port);
    const answer = await exchange(one.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", (text) =>
      text.endsWith("0\r\n\r\n"),
    );
    expect(answer).toMatch(/transfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n$/);
  });
});

describe("back-pressure", () => {
  it("holds an upload back while the upstream does not read", async () => {
    const sockets: Socket[] = [];
    const app = await rawServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.pause();
    });
    closers.push(() => app.server.close());
    const one = await proxyBefore(app.port);
    const client = connect({ host: "127.0.0.1", port: one.port() });
    client.on("error", () => undefined);
    const size = 256 * 1024 * 1024;
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    const sent = await pump(client, size);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    client.destroy();
    for (const socket of sockets) socket.destroy();
  });

  it("holds an answer back while the client does not read, and goes on when it does", async () => {
    const size = 96 * 1024 * 1024;
    let sent = 0;
    const app = await rawServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", async () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        sent = await pump(socket, size);
        await pump(socket, size - sent, true);
      });
    });
    closers.push(() => app.server.close());
    const one = await proxyBefore(app.port);
    const client = connect({ host: "127.0.0.1", port: one.port() });
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.pause();
    await until(() => sent > 0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    let received = 0;
    client.on("data", (chunk) => {
      received += chunk.length;
    });
    client.resume();
    await until(() => received > size);
    client.destroy();
  });
});

describe("closing", () => {
  it("waits until a slow client has everything", async () => {
    const size = 24 * 1024 * 1024;
    const app = await rawServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        void pump(socket, size, true);
      });
    });
    closers.push(() => app.server.close());
    const one = await proxyBefore(app.port);
    const client = connect({ host: "127.0.0.1", port: one.port() });
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let received = 0;
    client.on("data", (chunk) => {
      received += chunk.length;
      // About a second and a half for the whole of it.
      if (received % 7 === 0) client.pause();
      setTimeout(() => client.resume(), 4);
    });
    await new Promise<void>((resolve) => client.once("close", () => resolve()));
    expect(received).toBeGreaterThan(size);
  });
});

/** Writes until nothing moves any more for a while; with `all`, until everything is written. Returns how much went out. */
async function pump(socket: Socket, size: number, all = false): Promise<number> {
  const block = Buffer.alloc(256 * 1024);
  let sent = 0;
  while (sent < size && !socket.destroyed) {
    const room = socket.write(block.subarray(0, Math.min(block.length, size - sent)));
    sent += Math.min(block.length, size - sent);
    if (room) continue;
    const moved = await new Promise<boolean>((resolve) => {
      const timer = all ? undefined : setTimeout(() => resolve(false), 300);
      socket.once("drain", () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    if (!moved) return sent;
  }
  return sent;
}
