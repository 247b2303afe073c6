import type { IncomingMessage } from "node:http";
import type { KubeClient } from "./client.ts";
import type { HttpRequest } from "./http.ts";

export interface PodAddress {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Sends an HTTP request to a port of a pod through the API server. The answer may be a stream; whoever asks reads or destroys it. */
export function podProxy(client: KubeClient, pod: PodAddress, request: HttpRequest): Promise<IncomingMessage> {
  const target = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.pod)}:${pod.port}/proxy`;
  return client.http.send({ ...request, path: target + request.path });
}
