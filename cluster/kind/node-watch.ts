import { setTimeout as delay } from "node:timers/promises";
import { connectEngine, type Engine } from "./engine.ts";
import { listNodes } from "./nodes.ts";

/** Nodes and engines that come back within this time were only restarted, in milliseconds. */
const COMES_BACK_MS = 60_000;
const CHECK_MS = 2000;

/**
 * Resolves, with the reason, when the cluster's nodes have ended for good. A restart of the engine ends them for a moment: kind
 * asks the engine to start them again. Never resolves once the signal has aborted.
 */
export async function whenNodesEnd(engine: Engine, cluster: string, signal: AbortSignal): Promise<string> {
  let downSince: number | undefined;
  let reason = "";
  while (!signal.aborted) {
    const state = await stateOf(engine, cluster);
    if (state === undefined) downSince = undefined;
    else {
      reason = state;
      downSince ??= Date.now();
      if (Date.now() - downSince > COMES_BACK_MS) return reason;
      if (state === DELETED) return reason;
    }
    await delay(CHECK_MS, undefined, { signal }).catch(() => {});
  }
  return new Promise(() => {});
}

const DELETED = "the cluster's nodes were deleted";

/** What is wrong with the nodes; undefined if they run. */
async function stateOf(engine: Engine, cluster: string): Promise<string | undefined> {
  try {
    const nodes = await listNodes(engine, cluster);
    if (nodes.length === 0) return DELETED;
    const stopped = nodes.filter(({ running }) => !running);
    return stopped.length === 0 ? undefined : `node ${stopped.map(({ name }) => name).join(", ")} has stopped`;
  } catch {
    const reachable = await connectEngine().then(
      () => true,
      () => false,
    );
    return reachable ? undefined : "the Docker engine does not answer any more";
  }
}
