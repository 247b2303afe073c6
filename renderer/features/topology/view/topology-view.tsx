import {
  Background,
  BaseEdge,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  getBezierPath,
  Handle,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from "@xyflow/react";
import { Lock, LockOpen } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { Topology, TopologyEdge, TopologyNode } from "#api/rpc/telemetry.ts";
import { useLatest } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { milliseconds, percent, rate, versionColor } from "../../../ui/format.ts";
import { layOut, type Placed, structureKey } from "../layout.ts";
import "@xyflow/react/dist/style.css";
import "./topology.css";

const WINDOW_SECONDS = 5;
type WorkloadNode = Node<{ readonly workload: TopologyNode }, "workload">;
type TrafficEdge = Edge<{ readonly traffic: TopologyEdge }, "traffic">;

/** The mesh as it is used: what exists, and what was measured between it in the last seconds. */
export function TopologyView({ onSelect }: { readonly onSelect?: (edge: TopologyEdge | undefined) => void }) {
  const topology = useLatest("topology", { windowSeconds: WINDOW_SECONDS });
  const placed = useLayout(topology);
  const nodes = useMemo(() => toNodes(topology, placed), [topology, placed]);
  const edges = useMemo(() => toEdges(topology), [topology]);
  if (topology === undefined || topology.nodes.length === 0) {
    return <Empty title="No workloads yet">Workloads of the mesh and the traffic between them will appear here.</Empty>;
  }
  return (
    <>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        fitView
        fitViewOptions={{ padding: 0.12 }}
        key={placed.length}
        nodesConnectable={false}
        nodesDraggable={false}
        minZoom={0.2}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
        onEdgeClick={(_, edge) => onSelect?.(edge.data?.traffic)}
        onPaneClick={() => onSelect?.(undefined)}
        aria-label="Topology of the mesh"
      >
        <Background gap={22} size={1} color="var(--line)" />
      </ReactFlow>
      <EdgeTable edges={topology.edges} />
    </>
  );
}

/** For those who cannot see the picture. */
function EdgeTable({ edges }: { readonly edges: readonly TopologyEdge[] }) {
  return (
    <table className="visually-hidden">
      <caption>Traffic between workloads</caption>
      <tbody>
        {edges.map((edge) => (
          <tr key={`${edge.from}>${edge.to}`}>
            <td>{edge.from}</td>
            <td>{edge.to}</td>
            <td>{rate(edge.requestsPerSecond)}</td>
            <td>{percent(edge.errorShare)} errors</td>
            <td>{edge.mutualTlsShare === 1 ? "mutual TLS" : "not all mutual TLS"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function useLayout(topology: Topology | undefined): readonly Placed[] {
  const [placed, setPlaced] = useState<readonly Placed[]>([]);
  const key = topology === undefined ? "" : structureKey(topology);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another structure moves things
  useEffect(() => {
    if (topology === undefined || topology.nodes.length === 0) return;
    let current = true;
    void layOut(topology).then((result) => current && setPlaced(result));
    return () => {
      current = false;
    };
  }, [key]);
  return placed;
}

function toNodes(topology: Topology | undefined, placed: readonly Placed[]): WorkloadNode[] {
  return (topology?.nodes ?? []).flatMap((workload) => {
    const place = placed.find((one) => one.id === workload.id);
    return place === undefined
      ? []
      : [{ id: workload.id, type: "workload" as const, position: { x: place.x, y: place.y }, data: { workload } }];
  });
}

function toEdges(topology: Topology | undefined): TrafficEdge[] {
  return (topology?.edges ?? []).map((traffic) => ({
    id: `${traffic.from}>${traffic.to}`,
    type: "traffic" as const,
    source: traffic.from,
    target: traffic.to,
    data: { traffic },
  }));
}

function WorkloadBox({ data: { workload } }: NodeProps<WorkloadNode>) {
  const { ready, total } = workload.pods;
  const state =
    workload.role === "client" || workload.role === "external"
      ? ""
      : ready === total
        ? "good"
        : ready === 0
          ? "bad"
          : "warn";
  return (
    <div className={`workload ${workload.role}`}>
      <Handle type="target" position={Position.Left} />
      <div className="row">
        <span className={`dot ${state}`} />
        <strong>{workload.workload}</strong>
      </div>
      <div className="row muted">
        {workload.version && (
          <span className="version" style={{ background: versionColor(workload.version) }}>
            {workload.version}
          </span>
        )}
        <span>{workload.namespace}</span>
        {state !== "" && (
          <span>
            {ready}/{total}
          </span>
        )}
      </div>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

function TrafficLine({ sourceX, sourceY, targetX, targetY, data }: EdgeProps<TrafficEdge>) {
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
  const failing = errorShare > 0.01;
  const width = Math.min(9, 1.5 + Math.sqrt(requestsPerSecond) * 0.7);
  const Icon = mutualTlsShare >= 0.999 ? Lock : LockOpen;
  return (
    <>
      <BaseEdge
        path={path}
        style={{
          strokeWidth: width,
          stroke: failing ? "var(--bad)" : "var(--accent)",
          strokeDasharray: failing ? "10 6" : undefined,
          opacity: 0.75,
        }}
      />
      <EdgeLabelRenderer>
        <div className="edge-label" style={{ transform: `translate(-50%, -50%) translate(${labelX}px, ${labelY}px)` }}>
          <Icon
            size={11}
            className={mutualTlsShare >= 0.999 ? "good" : "muted"}
            aria-label={mutualTlsShare >= 0.999 ? "mutual TLS" : "not all mutual TLS"}
          />
          {rate(requestsPerSecond)}
          {failing && <span className="bad">{percent(errorShare)} errors</span>}
          <span className="muted">{milliseconds(p99Ms)}</span>
        </div>
      </EdgeLabelRenderer>
    </>
  );
}

const nodeTypes = { workload: WorkloadBox };
const edgeTypes = { traffic: TrafficLine };
