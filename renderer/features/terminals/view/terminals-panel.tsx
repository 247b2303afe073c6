import { Plus, X } from "lucide-react";
import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { Empty } from "../../../ui/empty.tsx";
import { ContainerPicker } from "../../logs/view/container-picker.tsx";
import { addTerminal, closeTerminal, terminalStore } from "../model.ts";
import "./terminals.css";

const TerminalView = lazy(() => import("./terminal-view.tsx"));

/** Shells: on this machine, with slipway and kubectl on the PATH, or in any container. */
export function TerminalsPanel() {
  const { tabs, active } = useStore(terminalStore);
  return (
    <div className="terminals">
      <div className="terminal-tabs">
        {tabs.map((tab) => (
          <span key={tab.key} className="terminal-tab" data-active={tab.key === active}>
            <button type="button" onClick={() => terminalStore.setState({ active: tab.key })}>
              {tab.title}
            </button>
            <button type="button" aria-label={`Close ${tab.title}`} onClick={() => closeTerminal(tab.key)}>
              <X size={12} aria-hidden />
            </button>
          </span>
        ))}
        <button type="button" className="button quiet" onClick={() => addTerminal({ kind: "local" })}>
          <Plus size={14} aria-hidden /> Shell
        </button>
        <ContainerPicker
          label="Shell in a container"
          onPick={(container) => addTerminal({ kind: "container", ...container })}
          onPickNetwork={(pod) => addTerminal({ kind: "network", ...pod })}
        />
      </div>
      <div className="terminal-body">
        {tabs.length === 0 && (
          <Empty title="No terminal is open">
            Open a shell on this machine, or in any container of any pod, or in a pod's network, where iptables and
            sockets can be seen.
          </Empty>
        )}
        <Suspense fallback={null}>
          {tabs.map((tab) => (
            <div key={tab.key} style={{ display: tab.key === active ? "block" : "none", height: "100%" }}>
              <TerminalView target={tab.target} visible={tab.key === active} />
            </div>
          ))}
        </Suspense>
      </div>
    </div>
  );
}
