import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { IHTTPGetAction } from "kubernetes-models/v1/HTTPGetAction";
import type { IProbe } from "kubernetes-models/v1/Probe";
import { checkGrpcHealth } from "./grpc-health.ts";
import type { Container } from "./kinds.ts";

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface ProbeTarget {
  readonly address: string;
  readonly container: Container;
  exec(command: readonly string[], timeoutMs: number): Promise<{ readonly exitCode: number; readonly output: string }>;
}

/** Performs one check of a probe. Never fails: a check that cannot be made is a failed check. */
export async function runProbe(probe: IProbe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.httpGet !== undefined) return await probeHttp(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket !== undefined)
      return await probeTcp(
        probe.tcpSocket.host ?? target.address,
        resolvePort(probe.tcpSocket.port, target.container),
        timeoutMs,
      );
    if (probe.grpc !== undefined)
      return await checkGrpcHealth({
        host: target.address,
        port: probe.grpc.port,
        service: probe.grpc.service ?? "",
        timeoutMs,
      });
    if (probe.exec !== undefined) {
      const result = await target.exec(probe.exec.command ?? [], timeoutMs);
      return result.exitCode === 0 ? { ok: true } : { ok: false, message: result.output.trim() };
    }
    return { ok: true };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** A port by number or by the name that the container gives it. Throws when there is no such name. */
function resolvePort(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  const named = container.ports?.find((one) => one.name === port);
  if (named === undefined) throw new Error(`the container has no port named "${port}"`);
  return named.containerPort;
}

async function probeHttp(action: IHTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const status = await httpGet(action, target, timeoutMs);
  return status >= 200 && status < 400
    ? { ok: true }
    : { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
}

/** One GET as the kubelet makes it; gives the status. Certificates are not verified, redirects not followed. */
export function httpGet(action: IHTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<number> {
  const secure = action.scheme === "HTTPS";
  const headers: Record<string, string> = { "User-Agent": "kube-probe/1.36", Accept: "*/*", Connection: "close" };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const options = {
    host: action.host ?? target.address,
    port: resolvePort(action.port, target.container),
    path:
      action.path === undefined || action.path === ""
        ? "/"
        : action.path.startsWith("/")
          ? action.path
          : `/${action.path}`,
    headers,
    agent: false as const,
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    request.once("response", (response) => {
      response.on("error", () => undefined);
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", reject);
    request.end();
  });
}

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (result: ProbeResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => finish({ ok: false, message: `dial tcp ${host}:${port}: i/o timeout` }));
    socket.once("connect", () => finish({ ok: true }));
    socket.once("error", (error) => finish({ ok: false, message: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}
