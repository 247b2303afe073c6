import { FileCode2, FlaskConical, Network, ScrollText, Server, SquareTerminal, Waypoints } from "lucide-react";
import { useStore } from "zustand";
import { frameStore, type Page, show, toggleDock } from "../model.ts";

const entries = [
  { page: "labs", title: "Labs", Icon: FlaskConical },
  { page: "mesh", title: "Mesh", Icon: Network },
  { page: "requests", title: "Requests", Icon: ScrollText },
  { page: "config", title: "Manifests", Icon: FileCode2 },
  { page: "proxies", title: "Proxies", Icon: Waypoints },
  { page: "cluster", title: "Cluster", Icon: Server },
] as const;

export function Navigation({ page }: { readonly page: Page }) {
  const dock = useStore(frameStore, (state) => state.dock);
  return (
    <nav className="navigation" aria-label="Pages">
      {entries.map(({ page: target, title, Icon }, index) => (
        <button
          key={target}
          type="button"
          aria-current={page === target ? "page" : undefined}
          aria-keyshortcuts={`Alt+${index + 1}`}
          title={`Alt+${index + 1}`}
          onClick={() => show(target)}
        >
          <Icon size={20} aria-hidden />
          {title}
        </button>
      ))}
      <span className="gap" />
      <button
        type="button"
        aria-pressed={dock !== undefined}
        aria-keyshortcuts="Alt+T"
        title="Alt+T"
        onClick={() => toggleDock(dock ?? "terminals")}
      >
        <SquareTerminal size={20} aria-hidden />
        Terminals
      </button>
    </nav>
  );
}
