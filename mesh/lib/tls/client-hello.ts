/** What a TLS client says before anything is encrypted (RFC 8446 4.1.2, RFC 6066 3, RFC 7301). */
export interface ClientHello {
  readonly serverName: string;
  readonly protocols: readonly string[];
}

/** `more` when the hello is not complete yet, `not-tls` when these bytes start no TLS connection. */
export type HelloResult = ClientHello | "more" | "not-tls";

const handshakeRecord = 22;
const clientHello = 1;
/** Envoy's limit for a hello. */
const maxHello = 16 * 1024;

/** Reads a hello from the first bytes of a connection without taking them. */
export function parseClientHello(bytes: Buffer): HelloResult {
  if (bytes.length === 0) return "more";
  if (bytes[0] !== handshakeRecord) return "not-tls";
  if (bytes.length >= 3 && bytes[1] !== 3) return "not-tls";
  const message = handshakeBytes(bytes);
  if (message === "more" || message === "not-tls") return message;
  try {
    return parseMessage(message);
  } catch {
    return "not-tls";
  }
}

/** The handshake message out of its records; it may span several. */
function handshakeBytes(bytes: Buffer): Buffer | "more" | "not-tls" {
  const parts: Buffer[] = [];
  let at = 0;
  let size = 0;
  for (;;) {
    if (at + 5 > bytes.length) return "more";
    if (bytes[at] !== handshakeRecord) return "not-tls";
    const length = bytes.readUInt16BE(at + 3);
    const end = Math.min(bytes.length, at + 5 + length);
    parts.push(bytes.subarray(at + 5, end));
    size += end - at - 5;
    at += 5 + length;
    const joined = parts.length === 1 ? (parts[0] ?? bytes) : Buffer.concat(parts);
    if (size >= 1 && joined[0] !== clientHello) return "not-tls";
    if (size >= 4) {
      const wanted = joined.readUIntBE(1, 3) + 4;
      if (wanted > maxHello) return "not-tls";
      if (size >= wanted) return joined.subarray(4, wanted);
    }
    if (at > bytes.length) return "more";
  }
}

function parseMessage(message: Buffer): ClientHello {
  let at = 34;
  at += 1 + message.readUInt8(at);
  at += 2 + message.readUInt16BE(at);
  at += 1 + message.readUInt8(at);
  let serverName = "";
  let protocols: readonly string[] = [];
  if (at + 2 > message.length) return { serverName, protocols };
  const end = at + 2 + message.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    const body = message.subarray(at + 4, at + 4 + length);
    if (type === 0) serverName = parseServerName(body);
    else if (type === 16) protocols = parseProtocols(body);
    at += 4 + length;
  }
  return { serverName, protocols };
}

function parseServerName(body: Buffer): string {
  if (body.length < 5 || body.readUInt8(2) !== 0) return "";
  return body.toString("latin1", 5, 5 + body.readUInt16BE(3)).toLowerCase();
}

function parseProtocols(body: Buffer): readonly string[] {
  const protocols: string[] = [];
  for (let at = 2; at < body.length; ) {
    const length = body.readUInt8(at);
    protocols.push(body.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return protocols;
}
