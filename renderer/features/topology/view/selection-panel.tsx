import { X } from "lucide-react";
import type { Topology, TopologyEdge, TopologyNode } from "#api/rpc/telemetry.ts";
import { milliseconds, percent, rate } from "../../../ui/format.ts";
import { frameStore } from "../../frame/model.ts";
import { flagTexts } from "../../requests/explain.ts";

export interface SelectionPanelProps {
  readonly topology: Topology;
  /** Of a node or an edge. */
  readonly selected: string;
  readonly onClose: () => void;
}

/** The exact numbers of what was clicked, as they are now, and a way to the requests behind them. */
export function SelectionPanel({ topology, selected, onClose }: SelectionPanelProps) {
  const edge = topology.edges.find(({ from, to }) => `${from}>${to}` === selected);
  const node = topology.nodes.find(({ id }) => id === selected);
  if (edge === undefined && node === undefined) return null;
  return (
    <aside className="card selection-panel stack" aria-label="Numbers">
      <div className="row spread">
        <strong>{edge ? `${short(edge.from)} → ${short(edge.to)}` : node?.workload}</strong>
        <button type="button" className="button quiet icon" onClick={onClose} aria-label="Close">
          <X size={14} aria-hidden />
        </button>
      </div>
      <Rows rows={edge ? edgeRows(edge, topology.windowSeconds) : nodeRows(node, topology)} />
      {edge && <Flags edge={edge} />}
      <button
        type="button"
        className="button"
        onClick={() =>
          frameStore.setState({
            page: "requests",
            requestFilter: edge ? `from:${short(edge.from)} to:${short(edge.to)}` : `to:${node?.workload ?? ""}`,
          })
        }
      >
        Show the requests
      </button>
    </aside>
  );
}

type Row = readonly [name: string, value: string];

const short = (id: string): string => id.split("/")[1] ?? id;

function Rows({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <table>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function edgeRows(edge: TopologyEdge, seconds: number): readonly Row[] {
  return [
    ["measured over", `${seconds} s`],
    ["protocol", edge.protocol.toUpperCase()],
    ["requests", rate(edge.requestsPerSecond)],
    ["errors", percent(edge.errorShare)],
    ["p50", milliseconds(edge.p50Ms)],
    ["p99", milliseconds(edge.p99Ms)],
    ["mutual TLS", percent(edge.mutualTlsShare)],
  ];
}

function nodeRows(node: TopologyNode | undefined, { edges }: Topology): readonly Row[] {
  if (node === undefined) return [];
  const sum = (list: readonly TopologyEdge[]): number => list.reduce((total, one) => total + one.requestsPerSecond, 0);
  const inward = edges.filter((one) => one.to === node.id);
  const failed = inward.reduce((total, one) => total + one.requestsPerSecond * one.errorShare, 0);
  return [
    ["namespace", node.namespace],
    ["app", node.app],
    ["version", node.version || "–"],
    ["pods ready", `${node.pods.ready} of ${node.pods.total}`],
    ["requests in", rate(sum(inward))],
    ["errors", inward.length === 0 ? "–" : percent(failed / Math.max(sum(inward), Number.EPSILON))],
    ["requests out", rate(sum(edges.filter((one) => one.from === node.id)))],
  ];
}

function Flags({ edge }: { readonly edge: TopologyEdge }) {
  const flags = Object.entries(edge.flags).filter(([flag]) => flag !== "-" && flag !== "");
  return flags.map(([flag, share]) => (
    <p key={flag} className="flag-line">
      <strong className="bad">{flag}</strong> {percent(share)}: {flagTexts[flag]?.means ?? "a response flag of Envoy"}.{" "}
      <span className="muted">{flagTexts[flag]?.look}</span>
    </p>
  ));
}
