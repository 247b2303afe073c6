import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { decode, encode, type Packet } from "dns-packet";
import { ports } from "#api/names.ts";
import { plainAddress } from "#mesh/lib/match/cidr.ts";
import { type CapturedPod, type ProxyContext, workloadOf } from "../traffic/context.ts";
import type { DnsMetrics } from "./metrics.ts";
import { answerQuery, encodeForUdp, failure } from "./reply.ts";
import { messages, streamed } from "./stream.ts";
import { forward } from "./upstream.ts";

/** Questions of one pod that may wait for the cluster's DNS at once, and its connections; more are refused. */
const MAX_WAITING = 256;
const MAX_CLIENTS = 64;
const IDLE_MS = 10_000;

/** Answers one captured pod's DNS questions inside its network: names of the mesh itself, the rest by asking the cluster's DNS. */
export class DnsProxy {
  readonly #context: ProxyContext;
  readonly #pod: CapturedPod;
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;
  readonly #clients = new Set<Socket>();
  #waiting = 0;
  #lastQuery = 0;

  /** Begins to listen; throws CaptureError. */
  constructor(context: ProxyContext, pod: CapturedPod) {
    this.#context = context;
    this.#pod = pod;
    this.#udp = createSocket("udp4");
    this.#udp.on("error", (error) => context.log.warn({ pod: pod.name, error: error.message }, "DNS over UDP failed"));
    this.#udp.on("message", (message, sender) => {
      void this.#answer(message, "udp").then((reply) => {
        if (reply !== undefined) this.#send(reply, sender);
      });
    });
    this.#udp.bind({ fd: pod.network.datagrams(ports.dns) });
    this.#tcp = createServer((socket) => void this.#serve(socket));
    this.#tcp.maxConnections = MAX_CLIENTS;
    this.#tcp.listen({ fd: pod.network.listen(ports.dns) });
  }

  /** Resolves when nobody has asked for a while: the kernel still leads an old socket's questions here after the rules have gone. */
  async idle(ms: number): Promise<void> {
    while (Date.now() - this.#lastQuery < ms) await delay(1000, undefined, { ref: false });
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const client of this.#clients) client.destroy();
  }

  #send(reply: Buffer, to: { readonly port: number; readonly address: string }): void {
    try {
      this.#udp.send(reply, to.port, to.address);
    } catch {
      // It was closed while the answer was waited for.
    }
  }

  async #serve(socket: Socket): Promise<void> {
    const source = plainAddress(socket.remoteAddress ?? "");
    // Only what the pod itself asks is led here; a stranger has no business with it.
    if (source !== this.#pod.address && !source.startsWith("127.")) return void socket.resetAndDestroy();
    this.#clients.add(socket);
    socket.once("close", () => this.#clients.delete(socket)).setTimeout(IDLE_MS, () => socket.destroy());
    try {
      for await (const message of messages(socket)) {
        const reply = await this.#answer(message, "tcp");
        if (reply === undefined) break;
        socket.write(streamed(reply));
      }
    } catch {
      // The client has broken off.
    }
    socket.destroy();
  }

  /** Undefined for what is no question: nothing is answered, so that two servers cannot talk in circles. */
  async #answer(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    const query = parse(message);
    if (query === undefined) return undefined;
    const { dns, book, random } = this.#context;
    const source = workloadOf(this.#context, this.#pod);
    const request = { source, type: query.questions?.[0]?.type ?? "", transport };
    this.#lastQuery = Date.now();
    dns.metrics.asked(request);
    const { namespace } = this.#pod;
    const answered = answerQuery({ book, namespace, domain: dns.domain, random }, query);
    if (answered.kind === "forward") return this.#forward(message, query, request);
    return transport === "udp" ? encodeForUdp(query, answered.packet) : encode(answered.packet);
  }

  async #forward(message: Buffer, query: Packet, request: Parameters<DnsMetrics["asked"]>[0]): Promise<Buffer> {
    const { dns, log } = this.#context;
    const { transport } = request;
    if (this.#waiting >= MAX_WAITING) {
      dns.metrics.forwarded(request, { ms: 0, failed: true });
      return encode(failure(query, "serverFailure").packet);
    }
    const began = performance.now();
    const report = (failed: boolean): void => dns.metrics.forwarded(request, { ms: performance.now() - began, failed });
    this.#waiting++;
    try {
      const reply = await forward(message, { network: this.#pod.network, servers: dns.upstream, transport });
      report(false);
      return reply;
    } catch (error) {
      report(true);
      const { name } = query.questions?.[0] ?? { name: "" };
      log.warn(
        { pod: this.#pod.name, namespace: this.#pod.namespace, name, error: String(error) },
        "a name could not be looked up",
      );
      return encode(failure(query, "serverFailure").packet);
    } finally {
      this.#waiting--;
    }
  }
}

function parse(message: Buffer): Packet | undefined {
  try {
    const packet = decode(message);
    return packet.type === "query" ? packet : undefined;
  } catch {
    return undefined;
  }
}
