import { lazy, Suspense, useEffect, useState } from "react";
import { useStore } from "zustand";
import type { ClusterStatus } from "#api/rpc/cluster.ts";
import { useConnection, useLatest } from "../../../bridge/hooks.ts";
import { ClusterPage } from "../../cluster/view/cluster-page.tsx";
import { LabsPage } from "../../labs/view/labs-page.tsx";
import { Palette } from "../../palette/view/palette.tsx";
import { Provisioning } from "../../provisioning/view/provisioning.tsx";
import { ProxiesPage } from "../../proxies/view/proxies-page.tsx";
import { RequestsPage } from "../../requests/view/requests-page.tsx";
import { MeshPage } from "../../topology/view/mesh-page.tsx";
import { frameStore, type Page } from "../model.ts";
import { onShortcut } from "../shortcuts.ts";
import { ConnectionLost } from "./connection-lost.tsx";
import { Navigation } from "./navigation.tsx";
import { StatusLine } from "./status-line.tsx";
import "./app.css";

const ManifestPage = lazy(() => import("../../manifest/view/manifest-page.tsx"));
const Dock = lazy(() => import("./dock.tsx"));

/** The frame: status line, navigation, the page, the dock. While the cluster is not ready, the page is how far it is. */
export function App() {
  const { page, theme, dock } = useStore(frameStore);
  const status = useLatest("cluster.status", {});
  const connection = useConnection();
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  const [dockWasOpen, setDockWasOpen] = useState(false);
  useEffect(() => {
    if (dock !== undefined) setDockWasOpen(true);
  }, [dock]);
  useEffect(() => {
    addEventListener("keydown", onShortcut);
    return () => removeEventListener("keydown", onShortcut);
  }, []);
  const ready = status?.phase === "ready";
  return (
    <div className="frame">
      <StatusLine status={status} />
      {connection.state === "lost" && <ConnectionLost retryAt={connection.retryAt} />}
      <div className="frame-body">
        <Navigation page={page} />
        <main className="frame-page">
          {ready || page === "cluster" ? <PageView page={page} /> : <Beginning status={status} />}
        </main>
      </div>
      {dockWasOpen && (
        <Suspense fallback={null}>
          <Dock tab={dock} />
        </Suspense>
      )}
      <Palette />
    </div>
  );
}

function Beginning({ status }: { readonly status: ClusterStatus | undefined }) {
  return (
    <div className="page">
      <Provisioning status={status} />
    </div>
  );
}

function PageView({ page }: { readonly page: Page }) {
  switch (page) {
    case "labs":
      return <LabsPage />;
    case "mesh":
      return <MeshPage />;
    case "requests":
      return <RequestsPage />;
    case "config":
      return (
        <Suspense fallback={null}>
          <ManifestPage />
        </Suspense>
      );
    case "proxies":
      return <ProxiesPage />;
    case "cluster":
      return <ClusterPage />;
  }
}
