import type { ClusterSummary } from "#api/rpc/cluster.ts";
import { useAction, useLatest } from "../../../bridge/hooks.ts";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { bytes } from "../../../ui/format.ts";
import { NewClusterButton } from "./new-cluster-dialog.tsx";

/** Every cluster of this Slipway: several may run side by side, the labs and the views are on one of them. */
export function ClusterList() {
  const latest = useLatest("clusters", {});
  return (
    <section className="stack">
      <div className="row spread">
        <h1>Clusters</h1>
        <NewClusterButton />
      </div>
      <div className="card" style={{ padding: 0 }}>
        <table className="table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Provider</th>
              <th>State</th>
              <th>Kubernetes</th>
              <th>Nodes</th>
              <th>Memory</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {latest?.clusters.map((cluster) => (
              <Row key={cluster.name} cluster={cluster} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const words = {
  absent: "not made yet",
  starting: "starting",
  ready: "ready",
  stopping: "stopping",
  stopped: "stopped",
  failed: "failed",
  cancelled: "cancelled",
} as const;
const tones = { ready: "good", failed: "bad", starting: "warn", stopping: "warn" } as Readonly<Record<string, string>>;

function Row({ cluster }: { readonly cluster: ClusterSummary }) {
  const { name, provider, phase, current, kubernetesVersion, nodes, memoryBytes, error } = cluster;
  return (
    <>
      <tr aria-current={current}>
        <td>
          <strong>{name}</strong> {current && <span className="badge">labs are here</span>}
        </td>
        <td>{provider}</td>
        <td className={tones[phase] ?? "muted"}>{words[phase]}</td>
        <td>{kubernetesVersion ?? "–"}</td>
        <td>{nodes === undefined ? "–" : `${nodes.filter(({ ready }) => ready).length} of ${nodes.length} ready`}</td>
        <td>{bytes(memoryBytes)}</td>
        <td>
          <Actions cluster={cluster} />
        </td>
      </tr>
      {error && !current && (
        <tr>
          <td colSpan={7}>
            <ErrorCard error={error} />
          </td>
        </tr>
      )}
    </>
  );
}

function Actions({ cluster: { name, phase, current, provider } }: { readonly cluster: ClusterSummary }) {
  const select = useAction("cluster.select");
  const start = useAction("cluster.start");
  const cancel = useAction("cluster.cancel");
  const stop = useAction("cluster.stop");
  const remove = useAction("cluster.delete");
  const error = [select, start, cancel, stop, remove].map((action) => action.error).find((one) => one);
  const busy = stop.busy || remove.busy || phase === "stopping";
  const existing = provider === "existing";
  return (
    <div className="stack">
      <div className="row" style={{ justifyContent: "flex-end" }}>
        {!current && (
          <button type="button" className="button" onClick={() => void select.run({ name })} disabled={select.busy}>
            Put the labs here
          </button>
        )}
        {phase === "starting" && (
          <button type="button" className="button" onClick={() => void cancel.run({ name })} disabled={cancel.busy}>
            Cancel
          </button>
        )}
        {["absent", "stopped", "failed", "cancelled"].includes(phase) && (
          <button type="button" className="button" onClick={() => void start.run({ name })} disabled={start.busy}>
            {phase === "stopped" ? "Resume" : "Start"}
          </button>
        )}
        {phase === "ready" && (
          <ConfirmButton
            title={existing ? `Let go of “${name}”?` : `Stop “${name}”?`}
            text={
              existing
                ? "The cluster goes on, with the mesh and the shop in it. Slipway no longer looks at it."
                : "Everything in it ends. Its state is kept: the next start goes on where it was."
            }
            action="Stop"
            onConfirm={() => void stop.run({ name })}
            disabled={busy}
          >
            Stop
          </ConfirmButton>
        )}
        <ConfirmButton
          className="button danger"
          title={`Delete “${name}”?`}
          text={
            existing
              ? "What Slipway has installed there is removed: the mesh, the shop, the traffic generator. Nothing else is touched."
              : "The cluster, everything in it and your progress in the labs are deleted. This cannot be undone."
          }
          action="Delete"
          onConfirm={() => void remove.run({ name })}
          disabled={busy}
        >
          Delete
        </ConfirmButton>
      </div>
      {error && <ErrorCard error={error} />}
    </div>
  );
}
