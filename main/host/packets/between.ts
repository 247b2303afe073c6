import { setTimeout as delay } from "node:timers/promises";
import type { Packet } from "#api/packet.ts";
import type { ClusterApi } from "../cluster-api.ts";
import { capturePackets } from "./capture.ts";

export interface BetweenOptions {
  /** Where packets are looked at. */
  readonly pod: { readonly namespace: string; readonly pod: string };
  /** Addresses of the other end. */
  readonly peers: readonly string[];
  readonly seconds: number;
  /** What happens meanwhile; without it live traffic is looked at for all of the time. */
  readonly during: (() => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

/** The last packets of calls may come a little after their answers. */
const AFTER_MS = 200;

/** Packets between a pod and others. Ends early when what is to happen meanwhile has. */
export async function packetsBetween(api: ClusterApi, options: BetweenOptions): Promise<readonly Packet[]> {
  const packets: Packet[] = [];
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, done.signal]);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const capture = capturePackets(api, options.pod, {
    limits: { seconds: options.seconds, packets: 1000, bytes: 4 * 1024 * 1024 },
    hosts: options.peers,
    signal,
    onLine: (line) => {
      if ("started" in line) begin();
      else if ("kind" in line) packets.push(line);
    },
  });
  await Promise.race([begun, capture]);
  if (options.during !== undefined) {
    await options.during();
    await delay(AFTER_MS, undefined, { signal: options.signal });
    done.abort();
  }
  await capture;
  options.signal.throwIfAborted();
  return packets;
}
