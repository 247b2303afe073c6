import { createStore } from "zustand/vanilla";

export const pages = ["labs", "mesh", "requests", "config", "proxies", "cluster"] as const;
export type Page = (typeof pages)[number];
export type DockTab = "manifest" | "terminals" | "logs" | "packets" | "events";

export interface FrameState {
  readonly page: Page;
  readonly lab: string | undefined;
  /** What the page of requests is filtered by. */
  readonly requestFilter: string;
  readonly dock: DockTab | undefined;
  /** Pixels. */
  readonly dockHeight: number;
  readonly palette: boolean;
  readonly theme: "system" | "light" | "dark";
}

/** What is on screen. Nothing else is owned here: facts come from the host. */
export const frameStore = createStore<FrameState>(() => ({
  page: "labs",
  lab: undefined,
  requestFilter: "",
  dock: undefined,
  dockHeight: Number(localStorage.getItem("slipway-dock-height") ?? 300),
  palette: false,
  theme: (localStorage.getItem("slipway-theme") as FrameState["theme"] | null) ?? "system",
}));

export const show = (page: Page): void => frameStore.setState({ page, palette: false });
export const openLab = (lab: string | undefined): void => frameStore.setState({ page: "labs", lab, palette: false });
export const toggleDock = (tab: DockTab): void =>
  frameStore.setState(({ dock }) => ({ dock: dock === tab ? undefined : tab, palette: false }));

const DOCK_MIN = 140;

/** @param height pixels; kept within the window, and for the next time */
export function resizeDock(height: number): void {
  const dockHeight = Math.round(Math.max(DOCK_MIN, Math.min(height, innerHeight * 0.75)));
  localStorage.setItem("slipway-dock-height", String(dockHeight));
  frameStore.setState({ dockHeight });
}

export function setTheme(theme: FrameState["theme"]): void {
  localStorage.setItem("slipway-theme", theme);
  frameStore.setState({ theme, palette: false });
}
