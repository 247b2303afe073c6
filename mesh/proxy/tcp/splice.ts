import type { Duplex } from "node:stream";
import { drop, wasReset } from "../../lib/hbone/stream.ts";
import type { TakenOver } from "../http1/streams.ts";

export interface SpliceOptions {
  readonly client: TakenOver;
  readonly server: TakenOver;
  /** 0 for none. */
  readonly idleTimeoutMs: number;
  /** Called once, when both ways are over. */
  readonly ended: (bytes: SplicedBytes) => void;
}

export interface SplicedBytes {
  readonly fromClient: number;
  readonly fromServer: number;
  /** What ended it, where that was no orderly end. */
  readonly reason: "end" | "client_reset" | "server_reset" | "idle";
}

const HIGH_WATER = 64 * 1024;

/** Passes bytes both ways: a slow side pauses the other, an end of one way is passed on while the other goes on. */
export function splice(options: SpliceOptions): () => void {
  const { client, server } = options;
  let fromClient = 0;
  let fromServer = 0;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const finish = (reason: SplicedBytes["reason"]): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (reason !== "end") {
      drop(client.socket);
      drop(server.socket);
    }
    options.ended({ fromClient, fromServer, reason });
  };
  if (options.idleTimeoutMs > 0) timer = setTimeout(() => finish("idle"), options.idleTimeoutMs);
  const progress = (): void => {
    timer?.refresh();
  };
  const orderly = (): void => {
    if (client.socket.readableEnded && server.socket.readableEnded) finish("end");
  };
  // Either way may have ended before: its end is passed on just the same.
  pass(client, server.socket, (size) => {
    fromClient += size;
    progress();
  });
  pass(server, client.socket, (size) => {
    fromServer += size;
    progress();
  });
  watch(client.socket, server.socket, {
    ended: orderly,
    closed: () => finish(server.socket.readableEnded && !wasReset(client.socket) ? "end" : "client_reset"),
  });
  watch(server.socket, client.socket, {
    ended: orderly,
    closed: () => finish(client.socket.readableEnded && !wasReset(server.socket) ? "end" : "server_reset"),
  });
  return () => finish("end");
}

function pass(from: TakenOver, to: Duplex, count: (size: number) => void): void {
  const send = (buffer: Buffer, owned: boolean): void => {
    count(buffer.length);
    if (to.destroyed || to.writableEnded) return;
    to.write(owned ? buffer : Buffer.from(buffer));
    if (to.writableLength < HIGH_WATER) return;
    from.socket.pause();
    to.once("drain", () => from.socket.resume());
  };
  if (from.rest !== undefined && from.rest.length > 0) send(from.rest, true);
  from.listen(send);
}

interface Watcher {
  ended(): void;
  closed(): void;
}

function watch(socket: Duplex, other: Duplex, watcher: Watcher): void {
  const onEnd = (): void => {
    // What broke off must not look as if it had been complete.
    if (wasReset(socket)) return watcher.closed();
    if (!other.writableEnded) other.end();
    watcher.ended();
  };
  if (socket.readableEnded) onEnd();
  else socket.once("end", onEnd);
  socket.on("error", () => watcher.closed());
  socket.once("close", () => {
    if (!other.writableEnded && !wasReset(socket)) other.end();
    watcher.closed();
  });
}
