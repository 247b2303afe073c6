import { Copy } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import type { PodSummary } from "#api/rpc/terminal.ts";
import { useAction, useLatest, useQuery } from "../../../bridge/hooks.ts";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { bytes } from "../../../ui/format.ts";
import { Provisioning } from "../../provisioning/view/provisioning.tsx";
import { EventsPanel } from "./events-panel.tsx";

/** The cluster: what it is, what runs in it, and how to end it. */
export function ClusterPage() {
  const status = useLatest("cluster.status", {});
  const info = useQuery("app.info", {});
  const stop = useAction("cluster.stop");
  const remove = useAction("cluster.delete");
  if (status?.phase !== "ready") return <Provisioning status={status} />;
  return (
    <div className="page stack">
      <div className="row spread">
        <h1>Cluster “{status.name}”</h1>
        <div className="row">
          <ConfirmButton
            title="Stop the cluster?"
            text="Everything in it ends. Its state is kept: the next start goes on where it was."
            action="Stop"
            onConfirm={() => void stop.run({})}
            disabled={stop.busy}
          >
            Stop
          </ConfirmButton>
          <ConfirmButton
            className="button danger"
            title="Delete the cluster?"
            text="The cluster, everything in it and your progress in the labs are deleted. This cannot be undone."
            action="Delete"
            onConfirm={() => void remove.run({})}
            disabled={remove.busy}
          >
            Delete
          </ConfirmButton>
        </div>
      </div>
      {(stop.error ?? remove.error) && <ErrorCard error={(stop.error ?? remove.error)!} />}
      <dl className="card facts">
        <Fact name="Provider">{status.provider}</Fact>
        <Fact name="Kubernetes">{status.kubernetesVersion}</Fact>
        <Fact name="Ready after">
          {status.readyAt && status.startedAt ? `${((status.readyAt - status.startedAt) / 1000).toFixed(1)} s` : "–"}
        </Fact>
        <Fact name="Memory">{bytes(status.memoryBytes)}</Fact>
        <Fact name="Pods">{status.pods ? `${status.pods.ready} of ${status.pods.total} ready` : "–"}</Fact>
        <Fact name="Shop">
          {info.data?.shopUrl ? (
            <a href={info.data.shopUrl} target="_blank" rel="noreferrer">
              {info.data.shopUrl}
            </a>
          ) : (
            "–"
          )}
        </Fact>
        <Fact name="Kubeconfig">
          <span className="mono">{status.kubeconfig}</span>
          <button
            type="button"
            className="button quiet"
            aria-label="Copy the path"
            onClick={() => void navigator.clipboard.writeText(status.kubeconfig ?? "")}
          >
            <Copy size={13} aria-hidden />
          </button>
        </Fact>
      </dl>
      <h2>Pods</h2>
      <Pods ready={status.pods?.ready} total={status.pods?.total} />
      <h2>Events</h2>
      <div className="card" style={{ padding: 0, maxHeight: 320, overflow: "auto" }}>
        <EventsPanel />
      </div>
    </div>
  );
}

const byName = (a: PodSummary, b: PodSummary): number =>
  a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name);

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="row">
      <dt className="muted" style={{ width: 110 }}>
        {name}
      </dt>
      <dd className="row" style={{ margin: 0 }}>
        {children}
      </dd>
    </div>
  );
}

interface PodsProps {
  readonly ready: number | undefined;
  readonly total: number | undefined;
}

function Pods({ ready, total }: PodsProps) {
  const { data, error, reload } = useQuery("pods.list", {});
  // biome-ignore lint/correctness/useExhaustiveDependencies: another number of ready pods is the reason to read again
  useEffect(reload, [ready, total, reload]);
  return (
    <div className="card" style={{ padding: 0 }}>
      {error && <ErrorCard error={error} />}
      <table className="table">
        <thead>
          <tr>
            <th>Namespace</th>
            <th>Pod</th>
            <th>State</th>
            <th>Restarts</th>
            <th>Containers</th>
          </tr>
        </thead>
        <tbody>
          {data?.toSorted(byName).map((pod) => (
            <tr key={`${pod.namespace}/${pod.name}`}>
              <td className="muted">{pod.namespace}</td>
              <td>{pod.name}</td>
              <td className={pod.ready ? "good" : "warn"}>{pod.ready ? "ready" : (pod.reason ?? pod.phase)}</td>
              <td>{pod.restarts}</td>
              <td className="muted">{pod.containers.map((container) => container.name).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
