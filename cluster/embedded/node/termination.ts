import { formatDuration } from "./backoff.ts";
import type { ContainerExit } from "./container-process.ts";
import { type Terminated, terminationReason, type Waiting } from "./container-record.ts";
import type { Container, PodName } from "./kinds.ts";

export interface Ending {
  readonly exit: ContainerExit;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerId: string | undefined;
  /** What the container wrote into its termination log. */
  readonly written: string;
  /** The last lines that it printed. */
  readonly tail: string;
}

/** The terminated state of a container whose process has ended. Pure. */
export function terminatedState(container: Container, ending: Ending): Terminated {
  const { exit, startedAt, finishedAt, containerId } = ending;
  const startFailure = launchFailure(ending);
  const fromLog = container.terminationMessagePolicy === "FallbackToLogsOnError" && exit.exitCode !== 0;
  const message = startFailure ?? (ending.written || (fromLog ? ending.tail.slice(-2048) : ""));
  return {
    kind: "terminated",
    exitCode: startFailure === undefined ? exit.exitCode : 128,
    reason: startFailure === undefined ? terminationReason(exit.exitCode) : "StartError",
    ...(exit.signal === undefined ? {} : { signal: exit.signal }),
    ...(message === "" ? {} : { message }),
    startedAt,
    finishedAt,
    ...(containerId === undefined ? {} : { containerId }),
  };
}

/** What bubblewrap or setpriv said when they could not start the program; undefined when it is the program that ended. */
function launchFailure(ending: Ending): string | undefined {
  const { exitCode } = ending.exit;
  if (ending.finishedAt - ending.startedAt > 2000 || (exitCode !== 1 && exitCode !== 127)) return undefined;
  const isOne = /^(bwrap|setpriv|\/usr\/bin\/env|env): /.test(ending.tail) && !ending.tail.includes("\n");
  return isOne ? ending.tail : undefined;
}

/** How the wait before another start is shown, in the kubelet's words. */
export function crashBackOff(container: Container, pod: PodName, waitMs: number): { state: Waiting; event: string } {
  const id = `${pod.name}_${pod.namespace}(${pod.uid})`;
  const message = `back-off ${formatDuration(waitMs)} restarting failed container=${container.name} pod=${id}`;
  return {
    state: { kind: "waiting", reason: "CrashLoopBackOff", message },
    event: `Back-off restarting failed container ${container.name} in pod ${id}`,
  };
}
