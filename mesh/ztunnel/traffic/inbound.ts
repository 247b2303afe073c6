import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ports } from "#api/names.ts";
import { type Authority, authorityOf, parseAuthority } from "#mesh/lib/hbone/authority.ts";
import { abort } from "#mesh/lib/hbone/stream.ts";
import { plainAddress } from "#mesh/lib/match/cidr.ts";
import { identityOf } from "../state/address-book.ts";
import type { ConnectionFacts } from "../state/policies.ts";
import type { ConnectionInfo } from "../telemetry/connections.ts";
import { type CapturedPod, checkInbound, POLICY_REJECTION, type ProxyContext, workloadOf } from "./context.ts";
import { carry, dialApplication } from "./deliver.ts";
import { join } from "./join.ts";

/** Ports of the proxy itself: who is let through to them would go round in circles. */
const ownPorts: ReadonlySet<number> = new Set([ports.outbound, ports.inbound, ports.hbone, ports.dns]);

/** A connection that came to the pod without a tunnel. */
export async function handlePlain(context: ProxyContext, pod: CapturedPod, near: Socket): Promise<void> {
  near.on("error", () => undefined).setNoDelay(true);
  const dialled = pod.capture.originalDestination(pod, near);
  if (dialled === undefined || ownPorts.has(dialled.port) || dialled.address !== pod.address) return abort(near);
  const source = plainAddress(near.remoteAddress ?? "");
  const facts = { identity: undefined, source, destination: dialled.address, port: dialled.port };
  const from = { address: `${source}:${near.remotePort}`, facts, inner: undefined, target: dialled };
  if (pod.nodeAddresses.has(source) && pod.probedPorts.has(dialled.port))
    return passProbe(pod, { near, source, port: dialled.port });
  const admitted = admit(context, pod, from);
  if (admitted === undefined) return abort(near);
  try {
    const far = await dialApplication(pod, dialled.port, source);
    await carry(context.connections, admitted.info, {
      near,
      far,
      bytes: () => ({ sent: far.bytesRead, received: far.bytesWritten }),
      refused: () => refusal(context, pod, facts),
    });
  } catch (error) {
    abort(near);
    context.connections.failed(admitted.info, { error: messageOf(error), flag: "CONNECT" });
  }
}

/** The kubelet has no identity, and its questions are nobody's traffic: neither policies nor metrics know of them. */
async function passProbe(pod: CapturedPod, probe: { near: Socket; source: string; port: number }): Promise<void> {
  try {
    await join(probe.near, await dialApplication(pod, probe.port, probe.source));
  } catch {
    abort(probe.near);
  }
}

/** Whose tunnel it is, and to whom. */
interface Arrived {
  readonly pod: CapturedPod;
  readonly tls: TLSSocket;
  readonly identity: string | undefined;
}

/** A stream of a tunnel to the pod: a connection to one of its ports. */
export async function handleTunnel(
  context: ProxyContext,
  { pod, tls, identity }: Arrived,
  request: { readonly stream: ServerHttp2Stream; readonly headers: IncomingHttpHeaders },
): Promise<void> {
  const { stream, headers } = request;
  stream.on("error", () => undefined);
  const target = headers[":method"] === "CONNECT" ? parseAuthority(headers[":authority"]) : undefined;
  const refuse = (status: number, error: string): void => {
    const to = headers[":authority"];
    const who = { "src.addr": tls.remoteAddress, "src.identity": identity, "dst.hbone_addr": to };
    context.log.warn({ ...who, "dst.pod": `${pod.namespace}/${pod.name}`, error }, "refused a tunnel");
    answer(stream, status);
  };
  if (headers[":method"] !== "CONNECT") return refuse(405, "it is no CONNECT");
  if (target === undefined || target.address !== pod.address || ownPorts.has(target.port))
    return refuse(400, "it leads elsewhere than to the pod");
  if (identity === undefined) return refuse(401, "the certificate names no identity");
  const source = plainAddress(tls.remoteAddress ?? "");
  const facts = { identity, source, destination: target.address, port: target.port };
  const from = { address: `${source}:${tls.remotePort}`, facts, inner: authorityOf(target), target };
  const admitted = admit(context, pod, from);
  if (admitted === undefined) return answer(stream, 401);
  try {
    const far = await dialApplication(pod, target.port, source);
    if (stream.destroyed) return abort(far);
    stream.respond({ ":status": 200 });
    await carry(context.connections, admitted.info, {
      near: stream,
      far,
      bytes: () => ({ sent: far.bytesRead, received: far.bytesWritten }),
      refused: () => refusal(context, pod, facts),
    });
  } catch (error) {
    answer(stream, 503);
    context.connections.failed(admitted.info, { error: messageOf(error), flag: "CONNECT" });
  }
}

interface Arrival {
  /** ip:port of the client. */
  readonly address: string;
  readonly facts: ConnectionFacts;
  readonly inner: string | undefined;
  readonly target: Authority;
}

/** What is known of a connection that may be; one that may not is reported and undefined. */
function admit(
  context: ProxyContext,
  pod: CapturedPod,
  arrival: Arrival,
): { readonly info: ConnectionInfo } | undefined {
  const verdict = checkInbound(context, pod, arrival.facts);
  const info = { ...inboundInfo(context, pod, arrival), policy: verdict.policy };
  if (verdict.allowed) return { info };
  context.connections.failed(info, { error: `${POLICY_REJECTION}: ${verdict.reason}`, flag: "DENY" });
  return undefined;
}

/** For connections that stand when policies change. */
function refusal(context: ProxyContext, pod: CapturedPod, facts: ConnectionFacts): string | undefined {
  const verdict = checkInbound(context, pod, facts);
  return verdict.allowed ? undefined : `${POLICY_REJECTION}: ${verdict.reason}`;
}

function inboundInfo(context: ProxyContext, pod: CapturedPod, arrival: Arrival): ConnectionInfo {
  const { facts, inner, target } = arrival;
  const caller = context.book.workloadAt(facts.source);
  const workload = workloadOf(context, pod);
  return {
    direction: "inbound",
    source: {
      address: arrival.address,
      // An address that has gone to somebody else meanwhile says nothing about who has proven to be who.
      workload: facts.identity === undefined || (caller && identityOf(caller) === facts.identity) ? caller : undefined,
      identity: facts.identity,
    },
    destination: {
      address: inner === undefined ? authorityOf(target) : authorityOf({ address: pod.address, port: ports.hbone }),
      inner,
      service: workload && context.book.serviceOf(workload, target.port),
      workload,
      identity: facts.identity === undefined ? undefined : pod.identity,
    },
    mutualTls: facts.identity !== undefined,
  };
}

function answer(stream: ServerHttp2Stream, status: number): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ":status": status }, { endStream: true });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
