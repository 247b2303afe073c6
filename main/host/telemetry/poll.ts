import type { Disposer } from "../observable.ts";

/**
 * Runs a task every so often, never twice at the same time; a slow run delays the next instead of piling up. Errors go to
 * `onError` and do not end it.
 */
export function poll(
  task: (signal: AbortSignal) => Promise<void>,
  options: { readonly everyMs: number; readonly onError: (error: unknown) => void },
): Disposer {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    const started = performance.now();
    try {
      await task(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) options.onError(error);
    }
    if (controller.signal.aborted) return;
    timer = setTimeout(() => void run(), Math.max(0, options.everyMs - (performance.now() - started)));
  };
  void run();
  return () => {
    controller.abort();
    clearTimeout(timer);
  };
}
