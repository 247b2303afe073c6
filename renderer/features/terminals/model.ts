import { createStore } from "zustand/vanilla";
import type { TerminalTarget } from "#api/rpc/terminal.ts";

export interface TerminalTab {
  readonly key: number;
  readonly title: string;
  readonly target: TerminalTarget;
}

/** The tabs. They outlive the panel, so that a terminal keeps running while another page is looked at. */
export const terminalStore = createStore<{
  readonly tabs: readonly TerminalTab[];
  readonly active: number | undefined;
  readonly next: number;
}>(() => ({
  tabs: [],
  active: undefined,
  next: 1,
}));

export function addTerminal(target: TerminalTarget): void {
  terminalStore.setState(({ tabs, next }) => {
    const title = titleOf(target, next);
    return { tabs: [...tabs, { key: next, title, target }], active: next, next: next + 1 };
  });
}

function titleOf(target: TerminalTarget, number: number): string {
  switch (target.kind) {
    case "local":
      return `shell ${number}`;
    case "container":
      return `${target.pod.slice(0, 22)} · ${target.container}`;
    case "network":
      return `${target.pod.slice(0, 22)} · network`;
  }
}

export function closeTerminal(key: number): void {
  terminalStore.setState(({ tabs, active }) => {
    const left = tabs.filter((tab) => tab.key !== key);
    return { tabs: left, active: active === key ? left.at(-1)?.key : active };
  });
}
