import { createStore } from "zustand/vanilla";
import type { ObjectReference } from "#api/kinds/object.ts";
import { frameStore } from "../frame/model.ts";

/** The object whose manifest the dock shows. */
export const manifestStore = createStore<{ readonly object: ObjectReference | undefined }>(() => ({
  object: undefined,
}));

/** Shows an object as it is in the cluster, beside whatever page is open. */
export function showManifest(object: ObjectReference): void {
  manifestStore.setState({ object });
  frameStore.setState({ dock: "manifest" });
}
