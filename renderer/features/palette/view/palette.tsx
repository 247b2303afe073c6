import { Command } from "cmdk";
import { useStore } from "zustand";
import { useHost } from "../../../bridge/hooks.ts";
import { frameStore, openLab, type Page, pages, setTheme, show, toggleDock } from "../../frame/model.ts";
import { addTerminal } from "../../terminals/model.ts";
import "./palette.css";

const pageNames: Readonly<Record<Page, string>> = {
  labs: "Labs",
  mesh: "Mesh: topology and charts",
  requests: "Requests",
  config: "Manifests",
  proxies: "Proxies and their configuration",
  cluster: "Cluster, pods and events",
};

/** Every action by name: Ctrl+K. */
export function Palette() {
  const open = useStore(frameStore, (state) => state.palette);
  const host = useHost();
  const close = (): void => frameStore.setState({ palette: false });
  const run = (action: () => void) => (): void => {
    close();
    action();
  };
  return (
    <Command.Dialog
      open={open}
      onOpenChange={(value) => frameStore.setState({ palette: value })}
      label="Commands"
      className="palette"
      overlayClassName="dialog-backdrop"
    >
      <Command.Input placeholder="What would you like to do?" />
      <Command.List>
        <Command.Empty>No command fits.</Command.Empty>
        <Command.Group heading="Go to">
          {pages.map((page, index) => (
            <Command.Item key={page} onSelect={run(() => (page === "labs" ? openLab(undefined) : show(page)))}>
              {pageNames[page]} <kbd>Alt {index + 1}</kbd>
            </Command.Item>
          ))}
          <Command.Item onSelect={run(() => openLab("canary"))}>Lab: canary release</Command.Item>
        </Command.Group>
        <Command.Group heading="Terminals and logs">
          <Command.Item
            onSelect={run(() => {
              addTerminal({ kind: "local" });
              frameStore.setState({ dock: "terminals" });
            })}
          >
            Open a shell on this machine
          </Command.Item>
          <Command.Item onSelect={run(() => toggleDock("terminals"))}>
            Terminals <kbd>Alt T</kbd>
          </Command.Item>
          <Command.Item onSelect={run(() => toggleDock("logs"))}>
            Logs <kbd>Alt L</kbd>
          </Command.Item>
          <Command.Item onSelect={run(() => toggleDock("events"))}>
            Events <kbd>Alt E</kbd>
          </Command.Item>
        </Command.Group>
        <Command.Group heading="Traffic and cluster">
          <Command.Item onSelect={run(() => void host.call("traffic.stop", {}).catch(() => {}))}>
            Stop the traffic
          </Command.Item>
          <Command.Item onSelect={run(() => void host.call("cluster.start", {}).catch(() => {}))}>
            Start the cluster
          </Command.Item>
        </Command.Group>
        <Command.Group heading="Colours">
          <Command.Item onSelect={run(() => setTheme("light"))}>Light</Command.Item>
          <Command.Item onSelect={run(() => setTheme("dark"))}>Dark</Command.Item>
          <Command.Item onSelect={run(() => setTheme("system"))}>As the system says</Command.Item>
        </Command.Group>
      </Command.List>
    </Command.Dialog>
  );
}
