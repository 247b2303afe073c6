import type { Libc } from "./libc.ts";

/**
 * Process 1 inherits every orphan of the sandbox, and Node waits only for children that it started itself. Between two looks Node
 * has handled its own: a child that is still waiting at the second one is an orphan. Only one is taken at a time, lest a child of
 * Node's be taken that ended this moment. Returns the disposer.
 */
export function reapOrphans(libc: Pick<Libc, "endedChild" | "reap">, intervalMs = 500): () => void {
  let seen: number | undefined;
  const timer = setInterval(() => {
    const ended = libc.endedChild();
    if (ended !== undefined && ended === seen) {
      libc.reap(ended);
      seen = undefined;
    } else seen = ended;
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
