import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps, getBezierPath, Position } from "@xyflow/react";
import { Lock, LockOpen } from "lucide-react";
import type { TopologyEdge } from "#api/rpc/telemetry.ts";
import { milliseconds, percent, rate } from "../../../ui/format.ts";

export type TrafficEdge = Edge<{ readonly traffic: TopologyEdge; readonly onSelect: (id: string) => void }, "traffic">;

const FAILING = 0.01;
/** Below this share a connection is shown as not (all) mutual TLS; rounding of the metrics alone must not open the lock. */
const LOCKED = 0.999;

/** Requests between two workloads: width is the rate, colour and dashes are errors, the lock is what was negotiated. */
export function TrafficLine({ id, sourceX, sourceY, targetX, targetY, data, selected }: EdgeProps<TrafficEdge>) {
  const [path, labelX, labelY] = getBezierPath({
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition: Position.Right,
    targetPosition: Position.Left,
  });
  if (data === undefined) return null;
  const { requestsPerSecond, errorShare, p99Ms, mutualTlsShare } = data.traffic;
  const failing = errorShare > FAILING;
  const locked = mutualTlsShare >= LOCKED;
  const Icon = locked ? Lock : LockOpen;
  // Nearer to the callee, where the lines of one caller are already apart.
  const [x, y] = [labelX * 0.55 + (targetX - 62) * 0.45, labelY * 0.3 + targetY * 0.7];
  return (
    <>
      <BaseEdge
        path={path}
        className="edge-line"
        interactionWidth={24}
        style={{
          strokeWidth: Math.min(9, 1.5 + Math.sqrt(requestsPerSecond) * 0.7),
          stroke: failing ? "var(--bad)" : "var(--accent)",
          strokeDasharray: failing ? "10 6" : undefined,
          opacity: selected ? 1 : 0.6,
        }}
      />
      <EdgeLabelRenderer>
        <button
          type="button"
          className="edge-label nodrag nopan"
          data-selected={selected}
          style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          onClick={() => data.onSelect(id)}
          title={`${data.traffic.from} → ${data.traffic.to}: p50 ${milliseconds(data.traffic.p50Ms)}, p99 ${milliseconds(p99Ms)}, ${percent(errorShare)} errors`}
        >
          <Icon
            size={11}
            className={locked ? "mtls" : "muted"}
            aria-label={locked ? "mutual TLS" : "not all mutual TLS"}
          />
          {rate(requestsPerSecond)}
          {failing && <span className="bad">{percent(errorShare)} errors</span>}
          <span className="muted">{milliseconds(p99Ms)}</span>
        </button>
      </EdgeLabelRenderer>
    </>
  );
}
