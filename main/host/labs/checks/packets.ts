import type { LabCheckDefinition } from "#api/lab.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";

type Packets = Extract<LabCheckDefinition, { type: "packets" }>;

/** What anybody on the wire between two workloads could read. */
export async function checkPackets(check: Packets, { measurements, signal }: CheckContext): Promise<CheckOutcome> {
  const { at, peer, request, seconds, expect } = check;
  const packets = await measurements.packets({ at, peer, url: request?.url, seconds, signal });
  const pair = `${peer.workload} and ${at.workload}`;
  if (packets === undefined)
    return { passed: false, observed: `${pair} are not both there and ready`, mayChange: true };
  const readable = packets.filter(({ kind }) => kind === "http");
  const encrypted = packets.filter(({ kind }) => kind === "tls");
  const [example] = readable.filter(({ summary }) => !summary.startsWith("body"));
  const parts = [
    `${readable.length} that anybody can read${example === undefined ? "" : ` ("${example.summary}")`}`,
    `${encrypted.length} of TLS`,
  ];
  const passed = expect === "readable" ? readable.length > 0 : readable.length === 0 && encrypted.length > 0;
  return { passed, observed: `packets between ${pair}: ${parts.join(", ")}`, mayChange: true };
}
