import { createStore } from "zustand/vanilla";
import { frameStore } from "../frame/model.ts";

export interface PacketTarget {
  readonly namespace: string;
  readonly pod: string;
}

/** Whose packets the dock shows; `run` grows with every new look. */
export const packetsStore = createStore<{ readonly target: PacketTarget | undefined; readonly run: number }>(() => ({
  target: undefined,
  run: 0,
}));

/** Looks at the packets of a pod, from now on. */
export function watchPackets(target: PacketTarget): void {
  packetsStore.setState(({ run }) => ({ target, run: run + 1 }));
  frameStore.setState({ dock: "packets" });
}
