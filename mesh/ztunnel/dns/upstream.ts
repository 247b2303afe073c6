import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { isIPv4, type Socket } from "node:net";
import { decode } from "dns-packet";
import { dial } from "../traffic/deliver.ts";
import { messages, streamed } from "./stream.ts";

const DNS_PORT = 53;
/** How long one server may take before the next is asked. */
const PATIENCE_MS = 2500;
/** How often the whole list of servers is gone through. */
const ROUNDS = 2;

export interface UpstreamServer {
  readonly address: string;
  readonly port: number;
}

/** Makes sockets in the network of the pod that asks: its network policies count for its questions too. */
export interface UpstreamNetwork {
  datagrams(port: number): number;
  socket(): Socket;
}

/** The servers of a resolv.conf(5). */
export function nameServers(file: string): readonly UpstreamServer[] {
  const addresses = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return addresses.filter((address) => isIPv4(address)).map((address) => ({ address, port: DNS_PORT }));
}

export interface Forwarding {
  readonly network: UpstreamNetwork;
  readonly servers: readonly UpstreamServer[];
  readonly transport: "udp" | "tcp";
}

/** Asks the cluster's DNS the same question and gives its answer as it is, under the question's own id. Rejects when nobody answers. */
export async function forward(query: Buffer, { network, servers, transport }: Forwarding): Promise<Buffer> {
  const ask = transport === "udp" ? askByDatagram : askByStream;
  let failure: unknown = new Error("there is no name server to ask");
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of servers) {
      try {
        // Who does not see the question must not be able to guess how an answer has to look.
        const disguised = withId(query, randomInt(65_536));
        const reply = await ask(disguised, server, network);
        return withId(reply, query.readUInt16BE(0));
      } catch (error) {
        failure = error;
      }
    }
  }
  throw failure;
}

function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

function askByDatagram(query: Buffer, server: UpstreamServer, network: UpstreamNetwork): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const end = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const timer = setTimeout(() => fail(silence(server)), PATIENCE_MS);
    socket.once("error", fail);
    socket.on("message", (reply) => {
      if (answers(query, reply)) end(() => resolve(reply));
    });
    socket.bind({ fd: network.datagrams(0) }, () => {
      // Connected, it takes datagrams of the server alone, and hears when nobody listens there.
      socket.connect(server.port, server.address, () => socket.send(query));
    });
  });
}

async function askByStream(query: Buffer, server: UpstreamServer, network: UpstreamNetwork): Promise<Buffer> {
  const socket = network.socket();
  const timer = setTimeout(() => socket.destroy(silence(server)), PATIENCE_MS);
  try {
    await dial(socket, server.address, server.port);
    socket.write(streamed(query));
    for await (const reply of messages(socket)) if (answers(query, reply)) return reply;
    throw new Error(`${server.address} ended the connection without an answer`);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

const silence = ({ address }: UpstreamServer): Error =>
  new Error(`the name server ${address} did not answer within ${PATIENCE_MS} ms`);

/** Whether a message is an answer to this question: same id, same name and type. */
function answers(query: Buffer, reply: Buffer): boolean {
  if (reply.length < 12 || reply.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  try {
    const [asked] = decode(query).questions ?? [];
    const { type, questions } = decode(reply);
    const [told] = questions ?? [];
    if (type !== "response") return false;
    return told === undefined || (told.type === asked?.type && told.name.toLowerCase() === asked.name.toLowerCase());
  } catch {
    return false;
  }
}
