import { isIPv6 } from "node:net";
import type { Packet } from "#api/packet.ts";
import { httpHead } from "./http-head.ts";
import { type ParsedPacket, parsePacket } from "./parse-packet.ts";
import { TlsRecords } from "./tls-records.ts";

/** One direction of a connection: what it was seen to speak. */
type Speech = "http" | TlsRecords | undefined;

const DNS = 53;
const MAX_FLOWS = 4096;
const HEX_BYTES = 48;

/** Makes readable packets of raw ones. It remembers what each connection speaks, so that bodies are told from what is unknown. */
export class PacketReader {
  readonly #speech = new Map<string, Speech>();

  /** Undefined for packets that carry nothing and neither open nor close a connection. */
  read(bytes: Buffer, time: number): Packet | undefined {
    const parsed = parsePacket(bytes);
    if (parsed === undefined) return undefined;
    const base = {
      time,
      from: end(parsed.source, parsed.sourcePort),
      to: end(parsed.destination, parsed.destinationPort),
    };
    const { payload } = parsed;
    if (payload.length === 0) {
      const summary = stateOf(parsed);
      if (summary !== undefined) this.#speech.delete(`${base.from} ${base.to}`);
      return summary === undefined ? undefined : { ...base, kind: "connection", bytes: 0, summary, details: [] };
    }
    if (parsed.transport === "udp") return { ...base, bytes: payload.length, ...datagram(parsed) };
    return { ...base, bytes: payload.length, ...this.#segment(`${base.from} ${base.to}`, payload) };
  }

  #segment(flow: string, payload: Buffer): Pick<Packet, "kind" | "summary" | "details"> {
    const head = httpHead(payload);
    if (head !== undefined) {
      this.#remember(flow, "http");
      return { kind: "http", summary: head[0] ?? "", details: [...head.slice(1)] };
    }
    let speech = this.#speech.get(flow);
    if (speech === "http") return { kind: "http", summary: `body, ${payload.length} bytes`, details: [] };
    if (speech === undefined && TlsRecords.begins(payload)) speech = this.#remember(flow, new TlsRecords());
    if (speech instanceof TlsRecords) {
      const { summary, details } = speech.read(payload);
      return { kind: "tls", summary, details: [...details] };
    }
    return { kind: "data", summary: `${payload.length} bytes`, details: hex(payload) };
  }

  #remember<Value extends Speech>(flow: string, speech: Value): Value {
    if (this.#speech.size >= MAX_FLOWS) this.#speech.clear();
    this.#speech.set(flow, speech);
    return speech;
  }
}

const end = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;

function stateOf({ transport, flags }: ParsedPacket): string | undefined {
  if (transport === "udp") return undefined;
  if (flags.rst) return "breaks the connection off";
  if (flags.syn) return flags.ack ? "accepts the connection" : "opens a connection";
  return flags.fin ? "closes its side" : undefined;
}

function datagram({
  sourcePort,
  destinationPort,
  payload,
}: ParsedPacket): Pick<Packet, "kind" | "summary" | "details"> {
  if (sourcePort !== DNS && destinationPort !== DNS)
    return { kind: "data", summary: `${payload.length} bytes by UDP`, details: hex(payload) };
  const name = questionOf(payload);
  return { kind: "dns", summary: `DNS: ${sourcePort === DNS ? "answer about" : "where is"} ${name}`, details: [] };
}

/** The name in a DNS message's first question (RFC 1035 4.1.2). */
function questionOf(message: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; at < message.length && labels.length < 32; ) {
    const length = message[at] ?? 0;
    if (length === 0 || length > 63) break;
    labels.push(message.toString("latin1", at + 1, at + 1 + length).replaceAll(/[^\w-]/g, "?"));
    at += 1 + length;
  }
  return labels.length === 0 ? "a name that cannot be read" : labels.join(".");
}

/** The first bytes, sixteen a line. */
function hex(payload: Buffer): string[] {
  const shown = payload.subarray(0, HEX_BYTES);
  return Array.from({ length: Math.ceil(shown.length / 16) }, (_, row) =>
    [...shown.subarray(row * 16, row * 16 + 16)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
  );
}
