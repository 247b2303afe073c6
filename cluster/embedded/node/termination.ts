import type { ContainerExit } from "./container-process.ts";
import { type Terminated, terminationReason } from "./container-record.ts";
import type { Container } from "./kinds.ts";

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
