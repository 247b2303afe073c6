import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { decode, encode, type Packet } from "dns-packet";
import { afterEach, expect, test } from "vitest";
import { openSocketCalls } from "#mesh/capture/libc.ts";
import { messages, streamed } from "./stream.ts";
import { forward } from "./upstream.ts";

const calls = openSocketCalls();
const network = {
  datagrams: () => {
    const fd = calls.socket(2, 2 | 0o4000, 0);
    const any = Buffer.alloc(16);
    any.writeUInt16LE(2, 0);
    calls.bind(fd, any, any.length);
    return fd;
  },
  socket: () => new Socket({ allowHalfOpen: true }),
};
const query = encode({ type: "query", id: 77, flags: 256, questions: [{ type: "A", name: "example.com" }] });
const answerTo = (message: Buffer, address: string, change: Partial<Packet> = {}): Buffer => {
  const { id, questions } = decode(message);
  const answers = [{ type: "A", name: "example.com", data: address }] as const;
  return encode({ type: "response", id: id ?? 0, questions: questions ?? [], answers: [...answers], ...change });
};
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const act of cleanUp.splice(0)) act();
});

async function udpServer(reply: (message: Buffer, send: (bytes: Buffer) => void) => void) {
  const socket = createSocket("udp4");
  socket.on("message", (message, sender) => reply(message, (bytes) => socket.send(bytes, sender.port, sender.address)));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanUp.push(() => socket.close());
  return { address: "127.0.0.1", port: socket.address().port };
}
const addressIn = (reply: Buffer): unknown => Reflect.get(decode(reply).answers?.[0] ?? {}, "data");

test("an answer comes back under the question's own id, which the server never sees", async () => {
  const seen: number[] = [];
  const server = await udpServer((message, send) => {
    seen.push(message.readUInt16BE(0));
    send(answerTo(message, "192.0.2.1"));
  });
  const replies = await Promise.all(
    [1, 2, 3].map(() => forward(query, { network, servers: [server], transport: "udp" })),
  );
  expect(replies.map(addressIn)).toEqual(["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
  expect(replies.map((reply) => reply.readUInt16BE(0))).toEqual([77, 77, 77]);
  expect(new Set(seen).size).toBe(3);
});

test("what answers another question is no answer", async () => {
  const server = await udpServer((message, send) => {
    send(answerTo(message, "192.0.2.66", { id: (message.readUInt16BE(0) + 1) & 0xffff }));
    send(answerTo(message, "192.0.2.66", { questions: [{ type: "A", name: "evil.example" }] }));
    send(Buffer.from("nonsense"));
    send(answerTo(message, "192.0.2.1"));
  });
  expect(addressIn(await forward(query, { network, servers: [server], transport: "udp" }))).toBe("192.0.2.1");
});

test("where nobody listens the next server is asked, and if none answers that is said", async () => {
  const closed = createSocket("udp4").bind(0, "127.0.0.1");
  await once(closed, "listening");
  const dead = { address: "127.0.0.1", port: closed.address().port };
  closed.close();
  const live = await udpServer((message, send) => send(answerTo(message, "192.0.2.1")));
  expect(addressIn(await forward(query, { network, servers: [dead, live], transport: "udp" }))).toBe("192.0.2.1");
  await expect(forward(query, { network, servers: [dead], transport: "udp" })).rejects.toThrow("ECONNREFUSED");
  await expect(forward(query, { network, servers: [dead], transport: "tcp" })).rejects.toThrow("ECONNREFUSED");
  await expect(forward(query, { network, servers: [], transport: "udp" })).rejects.toThrow("no name server");
});

test("over TCP an answer may come in pieces", async () => {
  const server = createServer(async (socket) => {
    for await (const message of messages(socket)) {
      const bytes = streamed(answerTo(message, "192.0.2.2"));
      socket.write(bytes.subarray(0, 5));
      setImmediate(() => socket.write(bytes.subarray(5)));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(() => server.close());
  const at = { address: "127.0.0.1", port: (server.address() as AddressInfo).port };
  expect(addressIn(await forward(query, { network, servers: [at], transport: "tcp" }))).toBe("192.0.2.2");
});
