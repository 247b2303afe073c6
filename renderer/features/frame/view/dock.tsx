import { X } from "lucide-react";
import type { KeyboardEvent, PointerEvent } from "react";
import { useStore } from "zustand";
import { EventsPanel } from "../../cluster/view/events-panel.tsx";
import { LogsPanel } from "../../logs/view/logs-panel.tsx";
import { LiveManifest } from "../../manifest/view/live-manifest.tsx";
import { PacketsPanel } from "../../packets/view/packets-panel.tsx";
import { TerminalsPanel } from "../../terminals/view/terminals-panel.tsx";
import { type DockTab, frameStore, resizeDock } from "../model.ts";

const tabs: readonly { readonly id: DockTab; readonly title: string }[] = [
  { id: "manifest", title: "Manifest" },
  { id: "terminals", title: "Terminals" },
  { id: "logs", title: "Logs" },
  { id: "packets", title: "Packets" },
  { id: "events", title: "Events" },
];
const KEY_STEP = 40;

/**
 * Below every page. Terminals stay mounted, also while the dock is closed, so that they keep what they show and what runs in them.
 */
export default function Dock({ tab }: { readonly tab: DockTab | undefined }) {
  const height = useStore(frameStore, (state) => state.dockHeight);
  return (
    <section className="dock" aria-label="Dock" style={{ height }} hidden={tab === undefined}>
      <Grip height={height} />
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
          className="button quiet icon"
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
        {tab === "manifest" && <LiveManifest />}
        {tab === "logs" && <LogsPanel />}
        {tab === "packets" && <PacketsPanel />}
        {tab === "events" && <EventsPanel />}
      </div>
    </section>
  );
}

/** The upper edge: drag it, or focus it and use the arrow keys. */
function Grip({ height }: { readonly height: number }) {
  const onPointerMove = (event: PointerEvent): void => {
    if (event.buttons === 1) resizeDock(innerHeight - event.clientY);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowUp") resizeDock(height + KEY_STEP);
    if (event.key === "ArrowDown") resizeDock(height - KEY_STEP);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line cannot be dragged; this is the separator of the ARIA practices
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the dock"
      aria-valuenow={height}
      tabIndex={0}
      className="dock-grip"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
