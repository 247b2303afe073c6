import { ChevronRight, Moon, Play, Square, Sun } from "lucide-react";
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

const isMac = navigator.userAgent.includes("Mac OS");

/** Cluster, mesh and traffic in words and numbers, always there, each a door to its page. */
export function StatusLine({ status }: { readonly status: ClusterStatus | undefined }) {
  const mesh = useLatest("mesh.status", {});
  const traffic = useLatest("traffic.status", {});
  const { theme, page, lab } = useStore(frameStore);
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
        {page === "labs" && lab !== undefined && (
          <>
            <ChevronRight size={14} aria-hidden className="muted" />
            <span className="muted">{lab} lab</span>
          </>
        )}
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
            <Play size={11} aria-hidden /> traffic: {rate(traffic.rate)} · {percent(traffic.successShare)} ok · p99{" "}
            {milliseconds(traffic.p99Ms)}
          </>
        ) : (
          <>
            <Square size={11} aria-hidden /> traffic: stopped
          </>
        )}
      </button>
      <span style={{ flex: 1 }} />
      <button
        type="button"
        className="status-item muted"
        onClick={() => frameStore.setState({ palette: true })}
        aria-label="All commands"
      >
        <kbd>{isMac ? "⌘" : "Ctrl"} K</kbd>
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
