import { createServer } from "node:net";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { PacketReader } from "./reader.ts";

interface Segment {
  readonly from?: number;
  readonly to?: number;
  readonly flags?: number;
  readonly protocol?: number;
}

const ACK = 0x10;

/** An IPv4 packet from 10.244.0.1 to 10.244.0.2, as it is on the wire. */
function packet(
  payload: string | Buffer,
  { from = 40_000, to = 8080, flags = ACK, protocol = 6 }: Segment = {},
): Buffer {
  const data = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const transport = Buffer.alloc(protocol === 6 ? 20 : 8);
  transport.writeUInt16BE(from, 0);
  transport.writeUInt16BE(to, 2);
  if (protocol === 6) {
    transport[12] = 5 << 4;
    transport[13] = flags;
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + transport.length + data.length, 2);
  header[9] = protocol;
  header.set([10, 244, 0, 1, 10, 244, 0, 2], 12);
  return Buffer.concat([header, transport, data]);
}

const read = (bytes: Buffer, reader = new PacketReader()) => reader.read(bytes, 0);

it("shows heads of HTTP without what is secret in them, and of bodies their length", () => {
  const reader = new PacketReader();
  const head =
    "GET /entries?token=abc&a=b HTTP/1.1\r\nHost: ledger\r\nAuthorization: Bearer xyz\r\nCookie: s=1\r\n\r\nhidden";
  expect(read(packet(head), reader)).toEqual({
    time: 0,
    from: "10.244.0.1:40000",
    to: "10.244.0.2:8080",
    kind: "http",
    bytes: head.length,
    summary: "GET /entries?token=…&a=b HTTP/1.1",
    details: ["Host: ledger", "Authorization: …", "Cookie: …"],
  });
  expect(read(packet("secret body"), reader)).toMatchObject({ kind: "http", summary: "body, 11 bytes", details: [] });
  expect(read(packet("HTTP/1.1 200 OK\r\nset-cookie: s=2\r\n\r\n", { from: 8080, to: 40_000 }), reader)).toMatchObject({
    summary: "HTTP/1.1 200 OK",
    details: ["set-cookie: …"],
  });
});

it.each([
  ["opens a connection", { flags: 2 }],
  ["accepts the connection", { flags: 2 | ACK }],
  ["closes its side", { flags: 1 | ACK }],
  ["breaks the connection off", { flags: 4 }],
])("%s", (summary, segment) => {
  expect(read(packet("", segment))).toMatchObject({ kind: "connection", summary });
});

it("leaves out what carries nothing, and what it cannot read", () => {
  const fragment = packet("GET / HTTP/1.1\r\n\r\n");
  fragment.writeUInt16BE(7, 6);
  for (const bytes of [packet(""), fragment, packet("x").subarray(0, 30), Buffer.alloc(0), Buffer.from("junk")])
    expect(read(bytes)).toBeUndefined();
});

it("shows the first bytes of what it does not know", () => {
  expect(read(packet(Buffer.alloc(100, 7)))).toMatchObject({
    kind: "data",
    summary: "100 bytes",
    details: expect.any(Array),
  });
  expect(read(packet(Buffer.alloc(100, 7)))?.details).toEqual(Array.from({ length: 3 }, () => "07 ".repeat(16).trim()));
  expect(read(packet("GETTING /x"))).toMatchObject({ kind: "data" });
});

it("tells of DNS which name is asked for", () => {
  const question = Buffer.concat([Buffer.alloc(12), Buffer.from("\x06ledger\x04shop\x00", "latin1"), Buffer.alloc(4)]);
  expect(read(packet(question, { to: 53, protocol: 17 }))).toMatchObject({
    kind: "dns",
    summary: "DNS: where is ledger.shop",
  });
});

it("tells of TLS who is asked for, the version and nothing of what follows, wherever packets begin", async () => {
  const hello = await clientHello();
  const reader = new PacketReader();
  expect(read(packet(hello.subarray(0, 100)), reader)).toMatchObject({ kind: "tls" });
  const whole = read(packet(hello), new PacketReader());
  expect(whole).toMatchObject({ kind: "tls", summary: "TLS: ClientHello for ledger.example" });
  expect(whole?.details).toEqual(["asks for ledger.example", "offers the protocols istio, h2"]);
  const record = (type: number, body: Buffer): Buffer => {
    const header = Buffer.from([type, 3, 3, 0, 0]);
    header.writeUInt16BE(body.length, 3);
    return Buffer.concat([header, body]);
  };
  const data = record(23, Buffer.from("GET / HTTP/1.1\r\n\r\n".padEnd(600, "x")));
  const flow = new PacketReader();
  expect(read(packet(data.subarray(0, 300)), flow)).toMatchObject({ summary: "TLS: application data" });
  const next = Buffer.concat([data.subarray(300), record(21, Buffer.from([2, 48]))]);
  expect(read(packet(next), flow)).toMatchObject({
    summary: "TLS: application data, continued, alert: unknown authority",
  });
  const server = Buffer.concat([
    Buffer.from([2, 0, 0, 0, 3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]),
  ]);
  expect(read(packet(record(22, server)))).toMatchObject({ summary: "TLS: ServerHello, TLS 1.3" });
});

/** The first bytes that Node's own TLS sends. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) =>
      socket.once("data", (bytes) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      }),
    );
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      const client = connect({ port, host: "127.0.0.1", servername: "ledger.example", ALPNProtocols: ["istio", "h2"] });
      client.on("error", () => undefined);
    });
  });
}
