import { type CaptureLine, captureLine } from "#api/capture-line.ts";
import { AppError } from "#api/errors.ts";
import type { CaptureLimits } from "#api/packet.ts";
import type { ClusterApi } from "../cluster-api.ts";

export interface CaptureOptions {
  readonly limits: CaptureLimits;
  /** Addresses of which one has to be an end; none for all. */
  readonly hosts?: readonly string[];
  readonly onLine: (line: CaptureLine) => void;
  readonly signal: AbortSignal;
}

/**
 * Looks at the packets of a pod's network, from a debugging container in it, until a limit is reached or the signal says so.
 * Rejects with AppError when packets cannot be had.
 */
export async function capturePackets(
  api: ClusterApi,
  pod: { readonly namespace: string; readonly pod: string },
  { limits, hosts = [], onLine, signal }: CaptureOptions,
): Promise<void> {
  const container = await api.debugContainer(pod);
  if (signal.aborted) return;
  const options = Object.entries(limits).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const command = ["pilot-agent", "packets", ...options, ...hosts.flatMap((host) => ["--host", host])];
  const { code, stderr } = await api.follow({ ...pod, container }, command, {
    onLine: (line) => onLine(captureLine.parse(JSON.parse(line))),
    signal,
  });
  if (code !== 0 && !signal.aborted)
    throw new AppError("INTERNAL", `the packets of ${pod.namespace}/${pod.pod} cannot be had: ${stderr.trim()}`);
}
