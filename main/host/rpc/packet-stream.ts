import { AppError } from "#api/errors.ts";
import type { CaptureLimits } from "#api/packet.ts";
import type { CaptureEvent } from "#api/rpc/contract.ts";
import type { LabCluster } from "../lab-cluster.ts";
import type { Disposer } from "../observable.ts";
import { capturePackets } from "../packets/capture.ts";
import type { StreamSink } from "./handlers.ts";

const most: CaptureLimits = { seconds: 3600, packets: 100_000, bytes: 1 << 30 };

/** Follows the packets of a pod. Throws BAD_REQUEST for limits that are none. */
export function watchPackets(
  { api, collector }: LabCluster,
  {
    pod,
    limits,
  }: { readonly pod: { readonly namespace: string; readonly pod: string }; readonly limits: CaptureLimits },
  sink: StreamSink<CaptureEvent>,
): Disposer {
  for (const name of ["seconds", "packets", "bytes"] as const)
    if (!Number.isInteger(limits[name]) || limits[name] < 1 || limits[name] > most[name])
      throw new AppError("BAD_REQUEST", `limits.${name} must be a whole number from 1 to ${most[name]}`);
  const controller = new AbortController();
  const name = (end: string): string | undefined => {
    const found = collector.podAt(end.slice(0, end.lastIndexOf(":")).replaceAll(/[[\]]/g, ""));
    return found === undefined ? undefined : `${found}${end.slice(end.lastIndexOf(":"))}`;
  };
  const { seconds, packets, bytes } = limits;
  let number = 0;
  capturePackets(api, pod, {
    limits: { seconds, packets, bytes },
    signal: controller.signal,
    onLine: (line) => {
      if ("started" in line) sink.push({ type: "started" });
      else if ("ended" in line) sink.push({ type: "ended", reason: line.ended, dropped: line.dropped });
      else {
        number += 1;
        sink.push({ type: "packet", packet: { ...line, number, fromName: name(line.from), toName: name(line.to) } });
      }
    },
  }).then(
    () => sink.end(),
    (error: unknown) => sink.end(error),
  );
  return () => controller.abort();
}
