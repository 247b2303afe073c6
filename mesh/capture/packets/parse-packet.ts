/** A TCP or UDP packet, taken apart. */
export interface ParsedPacket {
  readonly transport: "tcp" | "udp";
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly flags: { readonly syn: boolean; readonly fin: boolean; readonly rst: boolean; readonly ack: boolean };
  readonly payload: Buffer;
}

const noFlags = { syn: false, fin: false, rst: false, ack: false };
const TCP = 6;
const UDP = 17;

/** Reads a packet from its IP header on (RFC 791, 8200, 9293, 768). Undefined for what is neither TCP nor UDP, or cut off. */
export function parsePacket(bytes: Buffer): ParsedPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return parseIpv4(bytes);
  return version === 6 ? parseIpv6(bytes) : undefined;
}

function parseIpv4(bytes: Buffer): ParsedPacket | undefined {
  if (bytes.length < 20) return undefined;
  const header = ((bytes[0] ?? 0) & 15) * 4;
  // Fragments after the first have no ports.
  if ((bytes.readUInt16BE(6) & 0x1fff) !== 0) return undefined;
  const end = Math.min(bytes.length, bytes.readUInt16BE(2) || bytes.length);
  const addresses = { source: ipv4Text(bytes, 12), destination: ipv4Text(bytes, 16) };
  return parseTransport(bytes.subarray(header, end), bytes[9] ?? 0, addresses);
}

function parseIpv6(bytes: Buffer): ParsedPacket | undefined {
  if (bytes.length < 40) return undefined;
  const end = Math.min(bytes.length, 40 + bytes.readUInt16BE(4));
  const addresses = { source: ipv6Text(bytes, 8), destination: ipv6Text(bytes, 24) };
  return parseTransport(bytes.subarray(40, end), bytes[6] ?? 0, addresses);
}

function parseTransport(
  bytes: Buffer,
  protocol: number,
  addresses: { readonly source: string; readonly destination: string },
): ParsedPacket | undefined {
  if (protocol === UDP && bytes.length >= 8) {
    const ports = { sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2) };
    return { transport: "udp", ...addresses, ...ports, flags: noFlags, payload: bytes.subarray(8) };
  }
  if (protocol !== TCP || bytes.length < 20) return undefined;
  const bits = bytes[13] ?? 0;
  return {
    transport: "tcp",
    ...addresses,
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    flags: { fin: (bits & 1) !== 0, syn: (bits & 2) !== 0, rst: (bits & 4) !== 0, ack: (bits & 16) !== 0 },
    payload: bytes.subarray(((bytes[12] ?? 0) >> 4) * 4),
  };
}

const ipv4Text = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join(".");

/** As RFC 5952 wants it; the URL parser knows the rule. */
function ipv6Text(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(at + index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
