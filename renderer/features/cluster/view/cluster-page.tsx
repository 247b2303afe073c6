import { Copy } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import type { ClusterStatus } from "#api/rpc/cluster.ts";
import type { PodSummary } from "#api/rpc/terminal.ts";
import { useLatest, useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { bytes } from "../../../ui/format.ts";
import { Provisioning } from "../../provisioning/view/provisioning.tsx";
import { ClusterList } from "./cluster-list.tsx";
import { EventsPanel } from "./events-panel.tsx";
import { NodesTable } from "./nodes-table.tsx";

/** All clusters, and of the current one how far it is, or what runs in it. */
export function ClusterPage() {
  const status = useLatest("cluster.status", {});
  return (
    <div className="page stack">
      <ClusterList />
      {status?.phase === "ready" ? <Details status={status} /> : <Provisioning status={status} />}
    </div>
  );
}

function Details({ status }: { readonly status: ClusterStatus }) {
  const info = useQuery("app.info", {});
  return (
    <>
      <h2>Cluster “{status.name}”</h2>
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
      <h2>Nodes</h2>
      <NodesTable nodes={status.nodes ?? []} />
      <h2>Pods</h2>
      <Pods ready={status.pods?.ready} total={status.pods?.total} />
      <h2>Events</h2>
      <div className="card" style={{ padding: 0, maxHeight: 320, overflow: "auto" }}>
        <EventsPanel />
      </div>
    </>
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
