import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import type { TopologyNode } from "#api/rpc/telemetry.ts";
import { versionColor } from "../../../ui/format.ts";

export type WorkloadNode = Node<{ readonly workload: TopologyNode }, "workload">;

/** A workload: whether its pods are ready, its version, where it lives. */
export function WorkloadBox({ data: { workload }, selected }: NodeProps<WorkloadNode>) {
  const { ready, total } = workload.pods;
  const state = stateOf(workload);
  return (
    <div className={`workload ${workload.role} ${selected ? "selected" : ""}`}>
      <Handle type="target" position={Position.Left} />
      <div className="row">
        <span className={`dot ${state}`} aria-hidden />
        <strong title={workload.workload}>{workload.workload}</strong>
      </div>
      <div className="row muted">
        {workload.version && (
          <span className="version" style={{ background: versionColor(workload.version) }}>
            {workload.version}
          </span>
        )}
        <span>{workload.namespace}</span>
        {state !== "" && (
          <span title={`${ready} of ${total} pods ready`}>
            {ready}/{total} ready
          </span>
        )}
      </div>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

function stateOf({ role, pods: { ready, total } }: TopologyNode): "" | "good" | "warn" | "bad" {
  if (role === "client" || role === "external") return "";
  if (ready === total) return "good";
  return ready === 0 ? "bad" : "warn";
}
