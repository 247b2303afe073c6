import type { NodeSummary } from "#api/rpc/cluster.ts";
import { bytes } from "../../../ui/format.ts";

/** The nodes: what they are, whether they take pods, and what they use of this machine where the provider can see it. */
export function NodesTable({ nodes }: { readonly nodes: readonly NodeSummary[] }) {
  return (
    <div className="card" style={{ padding: 0 }}>
      <table className="table">
        <thead>
          <tr>
            <th>Node</th>
            <th>State</th>
            <th>Zone</th>
            <th>Kubelet</th>
            <th>Memory</th>
            <th>Processors</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map(({ name, ready, zone, version, usage }) => (
            <tr key={name}>
              <td>{name}</td>
              <td className={ready ? "good" : "warn"}>{ready ? "ready" : "not ready"}</td>
              <td>{zone ?? "–"}</td>
              <td>{version}</td>
              <td>
                {bytes(usage?.memoryBytes)}
                {usage?.memoryLimitBytes !== undefined && (
                  <span className="muted"> of {bytes(usage.memoryLimitBytes)}</span>
                )}
              </td>
              <td>{usage?.cpus === undefined ? "–" : usage.cpus.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
