import type { ILifecycleHandler } from "kubernetes-models/v1/LifecycleHandler";
import { httpGet, type ProbeTarget } from "./probe.ts";

/** Runs a postStart or preStop hook. Gives what went wrong, or undefined. */
export async function runHook(
  hook: ILifecycleHandler,
  options: { target: ProbeTarget; timeoutMs: number },
): Promise<string | undefined> {
  const { target, timeoutMs } = options;
  try {
    if (hook.exec !== undefined) {
      const result = await target.exec(hook.exec.command ?? [], timeoutMs);
      return result.exitCode === 0
        ? undefined
        : `command '${(hook.exec.command ?? []).join(" ")}' exited with ${result.exitCode}: ${result.output.trim()}`;
    }
    if (hook.httpGet !== undefined) {
      const status = await httpGet(hook.httpGet, target, timeoutMs);
      return status < 400 ? undefined : `HTTP hook answered with status ${status}`;
    }
    if (hook.sleep !== undefined) {
      const milliseconds = Math.min(hook.sleep.seconds * 1000, timeoutMs);
      await new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
