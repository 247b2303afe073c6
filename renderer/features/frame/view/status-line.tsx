import { Command, Moon, Sun } from "lucide-react";
import { useStore } from "zustand";
import type { ClusterStatus } from "#api/rpc/cluster.ts";
import { useLatest } from "../../../bridge/hooks.ts";
import { bytes, milliseconds, percent, rate } from "../../../ui/format.ts";
import { frameStore, setTheme, show } from "../model.ts";

const phaseDots = {
  ready: "good",
  starting: "warn",
  stopping: "warn",
  failed: "bad",
  cancelled: "bad",
  absent: "",
  stopped: "",
} as const;

/** Cluster, mesh and traffic in words and numbers, always there, each a door to its page. */
export function StatusLine({ status }: { readonly status: ClusterStatus | undefined }) {
  const mesh = useLatest("mesh.status", {});
  const traffic = useLatest("traffic.status", {});
  const theme = useStore(frameStore, (state) => state.theme);
  const isDark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  const synced =
    mesh?.proxies.filter((proxy) =>
      Object.values(proxy.types).every((state) => state === "SYNCED" || state === "NOT SENT"),
    ).length ?? 0;
  const total = mesh?.proxies.length ?? 0;
  return (
    <header className="status-line">
      <span className="brand">
        <img src="./favicon.svg" width={22} height={22} alt="" /> Slipway
      </span>
      <button type="button" className="status-item" onClick={() => show("cluster")}>
        <span className={`dot ${status === undefined ? "" : phaseDots[status.phase]}`} aria-hidden />
        cluster: {status?.provider ?? "…"} {status?.phase ?? ""}{" "}
        {status?.memoryBytes ? `· ${bytes(status.memoryBytes)}` : ""}
      </button>
      <button type="button" className="status-item" onClick={() => show("proxies")}>
        <span className={`dot ${total === 0 ? "" : synced === total ? "good" : "warn"}`} aria-hidden />
        mesh: {total === 0 ? "no proxies" : `${synced}/${total} in sync`}
      </button>
      <button type="button" className="status-item" onClick={() => show("mesh")}>
        <span
          className={`dot ${!traffic?.running ? "" : (traffic.successShare ?? 1) > 0.99 ? "good" : "bad"}`}
          aria-hidden
        />
        {traffic?.running ? (
          <>
            traffic: {rate(traffic.rate)} · {percent(traffic.successShare)} ok · p99 {milliseconds(traffic.p99Ms)}
          </>
        ) : (
          "traffic: stopped"
        )}
      </button>
      <span style={{ flex: 1 }} />
      <button
        type="button"
        className="status-item muted"
        onClick={() => frameStore.setState({ palette: true })}
        aria-label="All commands"
      >
        <Command size={15} aria-hidden /> K
      </button>
      <button
        type="button"
        className="status-item"
        onClick={() => setTheme(isDark ? "light" : "dark")}
        aria-label={isDark ? "Light colours" : "Dark colours"}
      >
        {isDark ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
      </button>
    </header>
  );
}
