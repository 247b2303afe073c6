import type { ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { authorityOf } from "#mesh/lib/hbone/authority.ts";
import { TunnelError, type TunnelPool } from "#mesh/lib/hbone/pool.ts";
import { abort } from "#mesh/lib/hbone/stream.ts";
import { type TunnelClient, tunnelTo } from "../hbone/secure.ts";
import { identityOf } from "../state/address-book.ts";
import { type Destination, findDestination } from "../state/destination.ts";
import { baggageOf } from "../telemetry/baggage.ts";
import type { ConnectionInfo } from "../telemetry/connections.ts";
import { type CapturedPod, POLICY_REJECTION, type ProxyContext, workloadOf } from "./context.ts";
import { carry, dial } from "./deliver.ts";

/** The status with which a ztunnel refuses by policy. */
const UNAUTHORIZED = 401;

/** A captured pod with what its tunnels are made of. */
export interface Sender {
  readonly pod: CapturedPod;
  readonly pool: TunnelPool;
  readonly client: TunnelClient;
}

/** A connection that an application of the pod opened: it goes on to whoever is meant, through HBONE where they take it. */
export async function handleOutbound(context: ProxyContext, from: Sender, near: Socket): Promise<void> {
  near.on("error", () => undefined).setNoDelay(true);
  const { pod } = from;
  const dialled = pod.capture.originalDestination(pod, near);
  // Somebody dialled the proxy itself.
  if (dialled === undefined) return abort(near);
  const workload = workloadOf(context, pod);
  const bytes = () => ({ sent: near.bytesWritten, received: near.bytesRead });
  const avoid = new Set<string>();
  for (;;) {
    const destination = findDestination(context.book, dialled, { workload, random: context.random, avoid });
    const info = outboundInfo(context, { pod, near, destination, dialled: authorityOf(dialled) });
    try {
      const far = await reach(context, { ...from, near, destination });
      return await carry(context.connections, info, { near, far, bytes });
    } catch (error) {
      if (!near.destroyed && isElsewherePossible(error, destination, avoid)) continue;
      abort(near);
      const denied = error instanceof TunnelError && error.status === UNAUTHORIZED;
      const message = error instanceof Error ? error.message : String(error);
      return context.connections.failed(info, {
        error: denied ? `${POLICY_REJECTION} at the destination` : message,
        flag: denied ? "DENY" : "CONNECT",
      });
    }
  }
}

/** Ends of tunnels that are tried for one connection. */
const MAX_TRIED = 3;

/** Where no tunnel came to be nothing was passed on yet: another endpoint may serve. Notes the one that did not. */
function isElsewherePossible(error: unknown, destination: Destination, avoid: Set<string>): boolean {
  if (destination.kind !== "tunnel" || !(error instanceof TunnelError) || error.status !== undefined) return false;
  const { address } = destination.end;
  if (avoid.has(address) || avoid.size + 1 >= MAX_TRIED) return false;
  avoid.add(address);
  return true;
}

interface Call extends Sender {
  readonly near: Socket;
  readonly destination: Destination;
}

async function reach(context: ProxyContext, call: Call): Promise<Socket | ClientHttp2Stream> {
  const { pod, pool, client, near, destination } = call;
  switch (destination.kind) {
    case "none":
      throw new Error(destination.reason);
    case "passthrough":
    case "plain":
      return dial(pod.network.socket(), destination.address, destination.port);
    case "tunnel": {
      const { end, identities } = destination;
      const source = workloadOf(context, pod);
      return pool.open(tunnelTo({ ...end, identities }, client), {
        ":authority": authorityOf(destination),
        forwarded: `for=${near.remoteAddress ?? pod.address}`,
        ...(source === undefined ? {} : { baggage: baggageOf(source) }),
      });
    }
  }
}

function outboundInfo(
  context: ProxyContext,
  call: {
    readonly pod: CapturedPod;
    readonly near: Socket;
    readonly destination: Destination;
    readonly dialled: string;
  },
): ConnectionInfo {
  const { pod, near, destination, dialled } = call;
  const tunnelled = destination.kind === "tunnel";
  const source = {
    address: `${near.remoteAddress}:${near.remotePort}`,
    workload: workloadOf(context, pod),
    identity: pod.identity,
  };
  const target = destination.kind === "none" || destination.kind === "passthrough" ? undefined : destination;
  const inner = target === undefined ? dialled : authorityOf(target);
  return {
    direction: "outbound",
    source,
    destination: {
      address: tunnelled ? authorityOf(destination.end) : inner,
      inner: tunnelled ? inner : undefined,
      service: destination.kind === "passthrough" ? undefined : destination.service,
      workload: target?.workload,
      identity: tunnelled ? identityOf(destination.workload) : undefined,
    },
    mutualTls: tunnelled,
  };
}
