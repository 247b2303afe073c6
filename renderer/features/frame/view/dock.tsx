import { X } from "lucide-react";
import { EventsPanel } from "../../cluster/view/events-panel.tsx";
import { LogsPanel } from "../../logs/view/logs-panel.tsx";
import { TerminalsPanel } from "../../terminals/view/terminals-panel.tsx";
import { type DockTab, frameStore } from "../model.ts";

const tabs: readonly { readonly id: DockTab; readonly title: string }[] = [
  { id: "terminals", title: "Terminals" },
  { id: "logs", title: "Logs" },
  { id: "events", title: "Events" },
];

/** Below every page. Terminals stay mounted, so that they keep what they show when another tab or page is looked at. */
export default function Dock({ tab }: { readonly tab: DockTab }) {
  return (
    <section className="dock" aria-label="Dock">
      <div className="dock-head" role="tablist">
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            className="tab"
            aria-selected={id === tab}
            onClick={() => frameStore.setState({ dock: id })}
          >
            {title}
          </button>
        ))}
        <span style={{ flex: 1 }} />
        <button
          type="button"
          className="button quiet"
          aria-label="Close the dock"
          onClick={() => frameStore.setState({ dock: undefined })}
        >
          <X size={16} aria-hidden />
        </button>
      </div>
      <div className="dock-body">
        <div style={{ height: "100%", display: tab === "terminals" ? "block" : "none" }}>
          <TerminalsPanel />
        </div>
        {tab === "logs" && <LogsPanel />}
        {tab === "events" && <EventsPanel />}
      </div>
    </section>
  );
}
