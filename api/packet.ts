import { ports } from "./names.ts";

/** What a packet's payload is, as far as anybody on the wire can tell. */
export const packetKinds = ["http", "tls", "dns", "data", "connection"] as const;
export type PacketKind = (typeof packetKinds)[number];

/** A packet as somebody on the wire sees it; what is secret in it, and bodies, are left out where it is captured. */
export interface Packet {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Address and port. */
  readonly from: string;
  readonly to: string;
  readonly kind: PacketKind;
  /** Of the payload. */
  readonly bytes: number;
  readonly summary: string;
  /** The head of an HTTP message, the parts of a hello, the first bytes in hexadecimal. */
  readonly details: readonly string[];
}

const housekeepingPorts: readonly number[] = [ports.agentStatus, ports.health, ports.envoyPrometheus];
const portOf = (end: string): number => Number(end.slice(end.lastIndexOf(":") + 1));

/** Whether it is the lab's own: probes and metrics, which nobody encrypts. */
export const isHousekeeping = ({ from, to }: Pick<Packet, "from" | "to">): boolean =>
  housekeepingPorts.includes(portOf(from)) || housekeepingPorts.includes(portOf(to));

/** Where a capture ends by itself. */
export interface CaptureLimits {
  readonly seconds: number;
  readonly packets: number;
  /** Of payload. */
  readonly bytes: number;
}

export const defaultCaptureLimits: CaptureLimits = { seconds: 60, packets: 2000, bytes: 16 * 1024 * 1024 };
