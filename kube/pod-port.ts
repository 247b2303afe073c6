import { type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import type { KubeClient } from "./client.ts";
import type { HttpRequest } from "./http.ts";
import type { PodAddress } from "./pod-proxy.ts";
import { pathOf, resources } from "./resource.ts";
import { openWebSocket } from "./web-socket.ts";

/** Opens a connection to a port on a pod's own loopback, by port-forward. Rejects if the API server refuses. */
export async function openPodPort(client: KubeClient, target: PodAddress): Promise<Duplex> {
  const path = `${pathOf(resources.pods, target.namespace, target.pod, "portforward")}?ports=${target.port}`;
  const remote = await openWebSocket(client.http, path, ["v4.channel.k8s.io"]);
  const stream = new Duplex({
    read: () => remote.resume(),
    write: (chunk: Buffer, _, done) => remote.send(Buffer.concat([Buffer.of(0), chunk]), done),
    final: (done) => {
      remote.close();
      done();
    },
    destroy: (error, done) => {
      remote.terminate();
      done(error);
    },
  });
  // Channel 0 carries data, 1 errors; the first message of each only repeats the port.
  const greeted = new Set<number>();
  remote.on("message", (message: Buffer) => {
    const channel = message[0] ?? 0;
    if (!greeted.has(channel)) greeted.add(channel);
    else if (channel === 1) stream.destroy(new Error(message.toString("utf8", 1)));
    else if (!stream.push(message.subarray(1))) remote.pause();
  });
  remote.on("close", () => stream.push(null));
  remote.on("error", (error) => stream.destroy(error));
  remote.resume();
  return stream;
}

/**
 * Sends an HTTP request to a port on a pod's own loopback, where pods serve what is not for others. The answer may be a stream;
 * whoever asks reads or destroys it.
 */
export async function podLocalRequest(
  client: KubeClient,
  target: PodAddress,
  { method, path, signal }: Pick<HttpRequest, "method" | "path" | "signal">,
): Promise<IncomingMessage> {
  signal?.throwIfAborted();
  const stream = await openPodPort(client, target);
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    const outgoing = request({ method, path, host: "localhost", signal, createConnection: () => stream }, resolve);
    outgoing.on("error", (error) => {
      stream.destroy();
      reject(error);
    });
    outgoing.end();
  });
}
