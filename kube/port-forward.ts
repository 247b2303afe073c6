import { type AddressInfo, createServer, type Socket } from "node:net";
import type { KubeClient } from "./client.ts";
import { pathOf, resources } from "./resource.ts";
import { openWebSocket } from "./web-socket.ts";

export interface PortForward {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

/** What may wait in a WebSocket before its source is paused, in bytes. */
const HIGH_WATER = 1024 * 1024;

/**
 * Listens on loopback and leads each connection to a port of the pod that `choose` names at that moment, so that it survives
 * the pod.
 */
export async function portForward(
  client: KubeClient,
  choose: () => { readonly namespace: string; readonly pod: string; readonly port: number } | undefined,
  localPort = 0,
): Promise<PortForward> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const target = choose();
    if (target === undefined) socket.destroy();
    else connect(client, target, socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(localPort, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function connect(
  client: KubeClient,
  target: { readonly namespace: string; readonly pod: string; readonly port: number },
  socket: Socket,
): Promise<void> {
  const path = `${pathOf(resources.pods, target.namespace, target.pod, "portforward")}?ports=${target.port}`;
  const remote = await openWebSocket(client.http, path, ["v4.channel.k8s.io"]);
  // Channel 0 carries data, 1 errors; the first message of each only repeats the port.
  const greeted = new Set<number>();
  remote.on("message", (message: Buffer) => {
    const channel = message[0] ?? 0;
    if (!greeted.has(channel)) greeted.add(channel);
    else if (channel === 1) socket.destroy();
    else if (!socket.write(message.subarray(1))) remote.pause();
  });
  socket.on("drain", () => remote.resume());
  socket.on("data", (chunk: Buffer) => {
    if (remote.readyState !== remote.OPEN) return;
    remote.send(Buffer.concat([Buffer.of(0), chunk]), () => {
      if (remote.bufferedAmount < HIGH_WATER) socket.resume();
    });
    if (remote.bufferedAmount >= HIGH_WATER) socket.pause();
  });
  remote.on("close", () => socket.end());
  remote.on("error", () => socket.destroy());
  socket.on("end", () => remote.close());
  socket.on("close", () => remote.terminate());
  remote.resume();
  socket.resume();
}
