import { parseClientHello } from "#mesh/lib/tls/client-hello.ts";

/** What can be told of TLS from outside. */
export interface TlsText {
  readonly summary: string;
  readonly details: readonly string[];
}

const HEADER = 5;
const names: Readonly<Record<number, string>> = {
  20: "change of cipher",
  21: "alert",
  22: "handshake",
  23: "application data",
};
const versions: Readonly<Record<number, string>> = { 769: "TLS 1.0", 770: "TLS 1.1", 771: "TLS 1.2", 772: "TLS 1.3" };
/** RFC 8446 6, those that people meet. */
const alerts: Readonly<Record<number, string>> = {
  0: "close notify",
  40: "handshake failure",
  42: "bad certificate",
  45: "certificate expired",
  46: "certificate unknown",
  48: "unknown authority",
  70: "protocol version",
  80: "internal error",
  112: "unrecognized name",
  116: "certificate required",
  120: "no application protocol",
};

/** Follows the records of one direction of a connection (RFC 8446 5.1), which need not begin where packets do. */
export class TlsRecords {
  #left = 0;
  #type = 0;
  #header = Buffer.alloc(0);

  /** Whether a payload can be the beginning of TLS. */
  static begins(payload: Buffer): boolean {
    const length = payload.length >= HEADER ? payload.readUInt16BE(3) : 0;
    return (
      length > 0 &&
      length <= 16_640 &&
      names[payload[0] ?? 0] !== undefined &&
      payload[1] === 3 &&
      (payload[2] ?? 9) <= 4
    );
  }

  read(payload: Buffer): TlsText {
    const parts: TlsText[] = [];
    const carried = this.#header.length;
    const bytes = Buffer.concat([this.#header, payload]);
    this.#header = Buffer.alloc(0);
    let at = 0;
    if (this.#left > 0) {
      at = Math.min(bytes.length, this.#left);
      this.#left -= at;
      parts.push({ summary: `${names[this.#type]}, continued`, details: [] });
    }
    while (at < bytes.length) {
      if (at + HEADER > bytes.length) {
        this.#header = Buffer.from(bytes.subarray(at));
        break;
      }
      const length = bytes.readUInt16BE(at + 3);
      this.#type = bytes[at] ?? 0;
      const end = Math.min(bytes.length, at + HEADER + length);
      parts.push(describe(bytes.subarray(at, end), length));
      this.#left = at + HEADER + length - end;
      at = end;
    }
    if (parts.length === 0) return { summary: carried > 0 ? "TLS, continued" : "TLS", details: [] };
    return {
      summary: `TLS: ${[...new Set(parts.map(({ summary }) => summary))].join(", ")}`,
      details: parts.flatMap(({ details }) => details),
    };
  }
}

function describe(record: Buffer, length: number): TlsText {
  const name = names[record[0] ?? 0] ?? `record of type ${record[0]}`;
  if (record[0] === 22) return handshake(record) ?? { summary: "handshake", details: [] };
  if (record[0] === 21)
    return {
      summary: length === 2 ? `alert: ${alerts[record[6] ?? 255] ?? `number ${record[6]}`}` : "alert, encrypted",
      details: [],
    };
  if (record[0] === 23) return { summary: name, details: [`${length} bytes that only both ends can read`] };
  return { summary: name, details: [] };
}

/** Hellos are the last that is not encrypted (with TLS 1.3). */
function handshake(record: Buffer): TlsText | undefined {
  if (record[HEADER] === 1) {
    const hello = parseClientHello(record);
    if (typeof hello === "string") return { summary: "ClientHello", details: [] };
    const details = [
      ...(hello.serverName === "" ? [] : [`asks for ${hello.serverName}`]),
      ...(hello.protocols.length === 0 ? [] : [`offers the protocols ${hello.protocols.join(", ")}`]),
    ];
    return { summary: hello.serverName === "" ? "ClientHello" : `ClientHello for ${hello.serverName}`, details };
  }
  if (record[HEADER] === 2)
    return { summary: `ServerHello, ${chosenVersion(record.subarray(HEADER + 4))}`, details: [] };
  return undefined;
}

/** TLS 1.3 is told by an extension (RFC 8446 4.2.1), everything older by the field before it. */
function chosenVersion(hello: Buffer): string {
  try {
    let at = 34;
    at += 1 + hello.readUInt8(at) + 3;
    const end = at + 2 + hello.readUInt16BE(at);
    for (at += 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2))
      if (hello.readUInt16BE(at) === 43) return versions[hello.readUInt16BE(at + 4)] ?? "a version that is not known";
    return versions[hello.readUInt16BE(0)] ?? "a version that is not known";
  } catch {
    return "cut off";
  }
}
