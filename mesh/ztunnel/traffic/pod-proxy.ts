import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ports } from "#api/names.ts";
import { TunnelPool } from "#mesh/lib/hbone/pool.ts";
import { DnsProxy } from "../dns/server.ts";
import { createTunnelServer, type TunnelServer } from "../hbone/server.ts";
import type { CapturedPod, ProxyContext } from "./context.ts";
import { handlePlain, handleTunnel } from "./inbound.ts";
import { handleOutbound } from "./outbound.ts";

/** The proxy of one captured pod: listens inside its network on 15001, 15006, 15008 and, for DNS, 15053. */
export class PodProxy {
  readonly pod: CapturedPod;
  readonly #context: ProxyContext;
  readonly #pool: TunnelPool = new TunnelPool();
  readonly #tunnels: TunnelServer;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Socket>();
  /** Descriptor of the listener for what arrives without a tunnel. */
  #listener = -1;
  #dns: DnsProxy | undefined;
  readonly #stopRenewal: () => void;

  /** Throws where the pod's identity has no certificate yet. */
  constructor(context: ProxyContext, pod: CapturedPod) {
    this.#context = context;
    this.pod = pod;
    const credentials = context.certificates.get(pod.identity);
    if (credentials === undefined) throw new Error(`there is no certificate yet for ${pod.identity}`);
    this.#tunnels = createTunnelServer({
      credentials,
      log: context.log,
      watch: (tunnel) => context.certificates.watch(tunnel),
      onStream: ({ stream, headers, ...peer }) => void handleTunnel(context, { pod, ...peer }, { stream, headers }),
    });
    this.#stopRenewal = context.certificates.onRenewed((spiffeId, renewed) => {
      if (spiffeId === pod.identity) this.#tunnels.renew(renewed);
    });
  }

  /** Begins to listen; throws CaptureError. */
  listen(): void {
    const { pod } = this;
    const context = this.#context;
    const client = {
      socket: () => pod.network.socket(),
      identity: pod.identity,
      credentials: () => context.certificates.get(pod.identity),
      watch: (tunnel: TLSSocket) => context.certificates.watch(tunnel),
    };
    const handlers: readonly (readonly [number, (socket: Socket) => void])[] = [
      [ports.outbound, (socket) => void handleOutbound(context, { pod, pool: this.#pool, client }, socket)],
      [ports.inbound, (socket) => void handlePlain(context, pod, socket)],
      [ports.hbone, (socket) => this.#tunnels.accept(socket.setNoDelay(true).setKeepAlive(true, 180_000))],
    ];
    for (const [port, handle] of handlers) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: port !== ports.hbone }, (socket) => {
        this.#connections.add(socket);
        socket.once("close", () => this.#connections.delete(socket));
        handle(socket);
      });
      const fd = pod.network.listen(port);
      if (port === ports.inbound) this.#listener = fd;
      server.listen({ fd });
      this.#servers.push(server);
    }
    this.#dns = new DnsProxy(context, pod);
  }

  get listener(): number {
    return this.#listener;
  }

  /** Connections that came to it and are still there. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Resolves when the pod has not asked for a name for a while. */
  async dnsIdle(ms: number): Promise<void> {
    await this.#dns?.idle(ms);
  }

  /** Takes nothing new and resolves when everything that stands has ended. */
  async drain(): Promise<void> {
    // Right after connections were accepted: those that a closed listener had not accepted yet are lost.
    await new Promise(setImmediate);
    const ended = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#dns?.close();
    this.#tunnels.drain();
    this.#pool.drain();
    await Promise.all(ended);
    this.#stopRenewal();
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const server of this.#servers) server.close();
    this.#dns?.close();
    this.#stopRenewal();
    this.#tunnels.destroy();
    this.#pool.destroy();
    for (const socket of this.#connections) socket.destroy();
  }
}
