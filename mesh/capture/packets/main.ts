import { networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import type { CaptureLine } from "#api/capture-line.ts";
import { type CaptureLimits, defaultCaptureLimits, type Packet } from "#api/packet.ts";
import { openPacketSocket, type PacketSocket } from "./packet-socket.ts";
import { PacketReader } from "./reader.ts";

const POLL_MS = 5;

interface PacketsCommand {
  readonly interface: string;
  readonly limits: CaptureLimits;
  /** Addresses of which one has to be an end; none for all. */
  readonly hosts: readonly string[];
}

/**
 * The program `pilot-agent packets`: prints the packets of the pod's network as lines of JSON until a limit is reached. Returns
 * the exit status: 0, 1 when packets cannot be had, 64 when the arguments are wrong.
 */
export async function runPackets(args: readonly string[]): Promise<number> {
  let command: PacketsCommand;
  try {
    command = parseCommand(args);
  } catch (error) {
    console.error(`packets: ${error instanceof Error ? error.message : String(error)}`);
    return 64;
  }
  let socket: PacketSocket;
  try {
    socket = openPacketSocket(command.interface);
  } catch (error) {
    console.error(`packets: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  print({ started: command.interface });
  const ended = await capture(socket, command);
  print({ ended, dropped: socket.dropped() });
  socket.close();
  return 0;
}

const print = (line: CaptureLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

type End = Extract<CaptureLine, { ended: unknown }>["ended"];

function capture(socket: PacketSocket, { limits, hosts }: PacketsCommand): Promise<End> {
  const reader = new PacketReader();
  const wanted = new Set(hosts);
  let [packets, bytes] = [0, 0];
  return new Promise((resolve) => {
    const finish = (reason: End): void => {
      clearInterval(poll);
      clearTimeout(limit);
      resolve(reason);
    };
    const limit = setTimeout(() => finish("seconds"), limits.seconds * 1000);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => finish("signal"));
    process.stdout.once("error", () => finish("signal"));
    const poll = setInterval(() => {
      for (let raw = socket.next(); raw !== undefined; raw = socket.next()) {
        const packet = reader.read(raw, Date.now());
        if (packet === undefined || (wanted.size > 0 && !isBetween(packet, wanted))) continue;
        print(packet);
        packets += 1;
        bytes += packet.bytes;
        if (packets >= limits.packets) return finish("packets");
        if (bytes >= limits.bytes) return finish("bytes");
      }
    }, POLL_MS);
  });
}

const addressOf = (end: string): string => end.slice(0, end.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
const isBetween = ({ from, to }: Packet, hosts: ReadonlySet<string>): boolean =>
  hosts.has(addressOf(from)) || hosts.has(addressOf(to));

function parseCommand(args: readonly string[]): PacketsCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      interface: { type: "string", default: firstInterface() },
      seconds: { type: "string", default: String(defaultCaptureLimits.seconds) },
      packets: { type: "string", default: String(defaultCaptureLimits.packets) },
      bytes: { type: "string", default: String(defaultCaptureLimits.bytes) },
      host: { type: "string", multiple: true, default: [] },
    },
  });
  const number = (name: "seconds" | "packets" | "bytes", most: number): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0 && value <= most) return value;
    throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${values[name]}"`);
  };
  return {
    interface: values.interface,
    limits: { seconds: number("seconds", 3600), packets: number("packets", 100_000), bytes: number("bytes", 1 << 30) },
    hosts: values.host,
  };
}

/** The one by which the pod talks to others. */
function firstInterface(): string {
  const [name = "eth0"] = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ internal }) => !internal))
    .map(([found]) => found);
  return name;
}
