import type { Libc } from "./libc.ts";

/**
 * Process 1 inherits every orphan of the sandbox, and Node waits only for children that it started itself. A child that is still
 * waiting to be reaped at the second look is such an orphan. Returns the disposer.
 */
export function reapOrphans(libc: Libc, intervalMs = 1000): () => void {
  let seen: number | undefined;
  const timer = setInterval(() => {
    for (let budget = 256; budget > 0; budget--) {
      const pid = libc.endedChild();
      if (pid === undefined || pid !== seen) {
        seen = pid;
        return;
      }
      libc.reap(pid);
      // Others have most probably waited as long: take the next one as seen.
      seen = libc.endedChild();
      if (seen === undefined) return;
      setImmediate(() => undefined);
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
