import { type AddressInfo, createServer, type Socket } from "node:net";
import type { KubeClient } from "./client.ts";
import { openPodPort } from "./pod-port.ts";
import type { PodAddress } from "./pod-proxy.ts";

export interface PortForward {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens on loopback and leads each connection to a port of the pod that `choose` names at that moment, so that it survives
 * the pod.
 */
export async function portForward(
  client: KubeClient,
  choose: () => PodAddress | undefined,
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

async function connect(client: KubeClient, target: PodAddress, socket: Socket): Promise<void> {
  const remote = await openPodPort(client, target);
  remote.on("error", () => socket.destroy());
  socket.on("close", () => remote.destroy());
  socket.pipe(remote).pipe(socket);
}
