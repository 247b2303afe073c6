import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Prober } from "../config.ts";

/** The capture rules let connections from this address pass; Istio's agent probes from it too. */
const PROBE_SOURCE = "127.0.0.6";

/**
 * Probes the application in place of the kubelet, whose probes the injector pointed here because they could not pass mutual TLS.
 * Resolves to the status to answer with.
 */
export function probeApplication(prober: Prober, ip: string): Promise<number> {
  const timeoutMs = (prober.timeoutSeconds ?? 1) * 1000;
  if (prober.httpGet !== undefined) return probeHttp(prober.httpGet, { ip, timeoutMs });
  if (prober.tcpSocket !== undefined) return probeTcp(prober.tcpSocket.port, { ip, timeoutMs });
  return Promise.resolve(500);
}

function probeHttp(
  get: NonNullable<Prober["httpGet"]>,
  { ip, timeoutMs }: { ip: string; timeoutMs: number },
): Promise<number> {
  const https = get.scheme?.toUpperCase() === "HTTPS";
  const headers = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const path = get.path?.startsWith("/") === false ? `/${get.path}` : (get.path ?? "/");
  const target = {
    host: get.host || ip,
    port: get.port,
    path,
    headers,
    timeout: timeoutMs,
    agent: false,
    localAddress: PROBE_SOURCE,
  };
  return new Promise((resolve) => {
    // As the kubelet, which does not verify either.
    const request = https ? httpsRequest({ ...target, rejectUnauthorized: false }) : httpRequest(target);
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 500);
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", () => resolve(503));
    request.end();
  });
}

function probeTcp(port: number, { ip, timeoutMs }: { ip: string; timeoutMs: number }): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, localAddress: PROBE_SOURCE, timeout: timeoutMs });
    const finish = (status: number): void => {
      socket.destroy();
      resolve(status);
    };
    socket.on("connect", () => finish(200));
    socket.on("timeout", () => finish(503));
    socket.on("error", () => finish(503));
  });
}
