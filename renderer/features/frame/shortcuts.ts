import { type DockTab, frameStore, openLab, pages, show, toggleDock } from "./model.ts";

const dockKeys: Readonly<Record<string, DockTab>> = {
  t: "terminals",
  l: "logs",
  e: "events",
  m: "manifest",
  p: "packets",
};

/** Ctrl+K for every command; Alt with a digit for a page, with a letter for a part of the dock. Keys of the editors stay theirs. */
export function onShortcut(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.code === "KeyK") {
    event.preventDefault();
    frameStore.setState(({ palette }) => ({ palette: !palette }));
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const page = pages[Number(/^Digit(\d)$/.exec(event.code)?.[1] ?? 0) - 1];
  const tab = dockKeys[/^Key(\w)$/.exec(event.code)?.[1]?.toLowerCase() ?? ""];
  if (page === undefined && tab === undefined) return;
  event.preventDefault();
  if (tab !== undefined) toggleDock(tab);
  else if (page === "labs" && frameStore.getState().page === "labs") openLab(undefined);
  else if (page !== undefined) show(page);
}
