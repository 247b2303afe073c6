import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { decode, encode, type Packet, type Question, streamEncode } from "dns-packet";
import type { Logger } from "../machinery/clock.ts";
import { answerQuestion, type Rcode } from "./dns-answer.ts";
import type { DnsRecord, DnsZone } from "./dns-zone.ts";

export interface DnsServerOptions {
  readonly address: string;
  readonly port: number;
  readonly zone: () => DnsZone;
  readonly logger: Logger;
}

/** Seconds that answers may be kept; short, because services come and go in a lab. */
const TTL = 5;
const UDP_LIMIT = 512;
const MAX_UDP = 4096;
const IDLE_MS = 10_000;
const MAX_CLIENTS = 256;
const RCODE: Readonly<Record<Rcode | "FORMERR" | "NOTIMP", number>> = {
  NOERROR: 0,
  FORMERR: 1,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;

/** Serves the cluster's zone over UDP and TCP. Resolves when both listen; gives the disposer. */
export async function startDnsServer(options: DnsServerOptions): Promise<() => Promise<void>> {
  const { address, port, logger } = options;
  const udp = createSocket("udp4");
  udp.on("error", (error) => logger.warn({ error: error.message }, "DNS over UDP failed"));
  udp.on("message", (message, sender) =>
    answerUdp(options, message, (reply) => udp.send(reply, sender.port, sender.address)),
  );
  udp.bind(port, address);
  const tcp = createServer((socket) => serveTcp(options, socket));
  tcp.maxConnections = MAX_CLIENTS;
  tcp.listen(port, address);
  await Promise.all([once(udp, "listening"), once(tcp, "listening")]);
  tcp.on("error", (error) => logger.warn({ error: error.message }, "DNS over TCP failed"));
  return async () => {
    await Promise.all([
      new Promise<void>((resolve) => udp.close(() => resolve())),
      new Promise<void>((resolve) => tcp.close(() => resolve())),
    ]);
  };
}

function answerUdp(options: DnsServerOptions, message: Buffer, send: (reply: Buffer) => void): void {
  const query = parse(message);
  if (query === undefined) return;
  const reply = respond(options.zone(), query);
  const bytes = encode(reply);
  if (bytes.length <= udpLimit(query)) return send(bytes);
  send(encode({ ...reply, flags: (reply.flags ?? 0) | TRUNCATED, answers: [], additionals: [] }));
}

/** What the client says that it can take (EDNS), within reason. */
function udpLimit(query: Packet): number {
  const option = query.additionals?.find((record) => record.type === "OPT");
  return option?.type === "OPT" ? Math.min(Math.max(option.udpPayloadSize, UDP_LIMIT), MAX_UDP) : UDP_LIMIT;
}

function serveTcp(options: DnsServerOptions, socket: Socket): void {
  let held = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      const query = parse(held.subarray(2, end));
      held = held.subarray(end);
      if (query === undefined) return void socket.destroy();
      socket.write(streamEncode(respond(options.zone(), query)));
    }
  });
}

/** Undefined for what is no question at all: nothing is answered, so that two servers cannot talk in circles. */
function parse(message: Buffer): Packet | undefined {
  try {
    const packet = decode(message);
    return packet.type === "query" ? packet : undefined;
  } catch {
    return undefined;
  }
}

function respond(zone: DnsZone, query: Packet): Packet {
  const question: Question | undefined = query.questions?.[0];
  const asked = (query.flags ?? 0) & RECURSION_DESIRED;
  const base: Packet = { type: "response", id: query.id ?? 0, questions: query.questions ?? [] };
  if (question === undefined) return { ...base, flags: RCODE.FORMERR };
  const reply = answerQuestion(zone, question);
  const authoritative = reply.rcode === "REFUSED" ? 0 : AUTHORITATIVE;
  return {
    ...base,
    flags: asked | authoritative | RECURSION_AVAILABLE | RCODE[reply.rcode],
    answers: reply.answers.map((record) => toAnswer(record, question.name)),
    additionals: reply.additionals.map((record) => toAnswer(record, record.name)),
  };
}

type Answer = NonNullable<Packet["answers"]>[number];

/** Clients compare names by bytes: the first answer repeats the question's own spelling. */
function toAnswer(record: DnsRecord, asked: string): Answer {
  const name = asked.toLowerCase() === record.name ? asked : record.name;
  return { ttl: TTL, class: "IN", ...record, name };
}
