import { Background, ReactFlow, useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Topology, TopologyEdge } from "#api/rpc/telemetry.ts";
import { useLatest } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { percent, rate } from "../../../ui/format.ts";
import { layOut, type Placed, Structure } from "../layout.ts";
import { SelectionPanel } from "./selection-panel.tsx";
import { type TrafficEdge, TrafficLine } from "./traffic-line.tsx";
import { WorkloadBox, type WorkloadNode } from "./workload-box.tsx";
import "@xyflow/react/dist/style.css";
import "./topology.css";

const WINDOW_SECONDS = 5;
const FIT = { padding: 0.08, maxZoom: 1.25 };
const nodeTypes = { workload: WorkloadBox };
const edgeTypes = { traffic: TrafficLine };

/** The mesh as it is used: what exists, and what was measured between it in the last seconds. */
export function TopologyView() {
  const topology = useLatest("topology", { windowSeconds: WINDOW_SECONDS });
  const [selected, setSelected] = useState<string>();
  const placed = useLayout(topology);
  const nodes = useMemo(() => toNodes(topology, placed, selected), [topology, placed, selected]);
  const edges = useMemo(() => toEdges(topology, selected, setSelected), [topology, selected]);
  if (topology === undefined) return <Empty title="Looking at the mesh …" />;
  if (topology.nodes.length === 0) {
    return <Empty title="No workloads yet">Workloads of the mesh and the traffic between them will appear here.</Empty>;
  }
  return (
    <>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        nodesConnectable={false}
        nodesDraggable={false}
        minZoom={0.2}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
        onEdgeClick={(_, edge) => setSelected(edge.id)}
        onNodeClick={(_, node) => setSelected(node.id)}
        onPaneClick={() => setSelected(undefined)}
        aria-label="Topology of the mesh"
      >
        <Background gap={22} size={1} color="var(--line)" />
        <FitWhole placed={placed} />
      </ReactFlow>
      <Legend />
      {selected && <SelectionPanel topology={topology} selected={selected} onClose={() => setSelected(undefined)} />}
      <EdgeTable edges={topology.edges} />
    </>
  );
}

/** Shows everything again when the structure or the space for it changed, and leaves the person's own zoom alone otherwise. */
function FitWhole({ placed }: { readonly placed: readonly Placed[] }) {
  const { fitView } = useReactFlow();
  const size = useStore((state) => `${state.width}x${state.height}`);
  const measured = useStore((state) =>
    [...state.nodeLookup.values()].every((node) => node.measured.width !== undefined),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the space is a reason to fit, not an input
  useEffect(() => {
    if (measured && placed.length > 0) void fitView(FIT);
  }, [fitView, placed, size, measured]);
  return null;
}

function Legend() {
  return (
    <div className="topology-legend" aria-hidden>
      <span>
        <i className="sample" />
        width: requests per second
      </span>
      <span>
        <i className="sample failing" />
        errors
      </span>
      <span>last {WINDOW_SECONDS} s, as the proxies measured it</span>
    </div>
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
  const structure = useRef(new Structure());
  const key = topology === undefined ? "" : structure.current.update(topology);
  useEffect(() => {
    if (key === "") return;
    let current = true;
    void layOut(structure.current).then((result) => current && setPlaced(result));
    return () => {
      current = false;
    };
  }, [key]);
  return placed;
}

function toNodes(
  topology: Topology | undefined,
  placed: readonly Placed[],
  selected: string | undefined,
): WorkloadNode[] {
  return (topology?.nodes ?? []).flatMap((workload) => {
    const place = placed.find((one) => one.id === workload.id);
    if (place === undefined) return [];
    const { id } = workload;
    return [
      {
        id,
        type: "workload" as const,
        position: { x: place.x, y: place.y },
        data: { workload },
        selected: id === selected,
      },
    ];
  });
}

function toEdges(
  topology: Topology | undefined,
  selected: string | undefined,
  onSelect: (id: string) => void,
): TrafficEdge[] {
  return (topology?.edges ?? []).map((traffic) => {
    const id = `${traffic.from}>${traffic.to}`;
    return {
      id,
      type: "traffic" as const,
      source: traffic.from,
      target: traffic.to,
      data: { traffic, onSelect },
      selected: id === selected,
    };
  });
}
