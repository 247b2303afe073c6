import { AppError, toErrorReport } from "#api/errors.ts";
import type { BringUpStep } from "#api/rpc/cluster.ts";
import { type Observable, Subject } from "../observable.ts";

/** One step of bringing the lab up. Steps whose `after` are all done run at the same time. */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly after: readonly string[];
  run(context: StepContext): Promise<void>;
}

export interface StepContext {
  readonly signal: AbortSignal;
  /** What it is doing right now, in a few words. */
  detail(text: string): void;
  log(line: string): void;
}

const MAX_LOG_LINES = 2000;

/** Runs steps in the order of their dependencies and tells how far they are. The first failure cancels the rest. */
export class BringUp {
  readonly steps: Observable<readonly BringUpStep[]>;
  readonly #definitions: readonly Step[];
  readonly #steps: Subject<readonly BringUpStep[]>;
  readonly #logs = new Map<string, Subject<readonly string[]>>();
  readonly #controller = new AbortController();

  constructor(definitions: readonly Step[]) {
    this.#definitions = definitions;
    this.#steps = new Subject<readonly BringUpStep[]>(
      definitions.map(({ id, title }) => ({
        id,
        title,
        state: "pending",
        startedAt: undefined,
        endedAt: undefined,
        detail: undefined,
        error: undefined,
      })),
    );
    this.steps = this.#steps;
    for (const { id } of definitions) this.#logs.set(id, new Subject<readonly string[]>([]));
  }

  /** All lines so far; watch it for more. */
  log(step: string): Observable<readonly string[]> {
    const log = this.#logs.get(step);
    if (log === undefined) throw new AppError("NOT_FOUND", `there is no step "${step}"`);
    return log;
  }

  cancel(): void {
    this.#controller.abort(new AppError("CANCELLED", "the start was cancelled"));
  }

  /** Resolves when all steps are done; rejects with the first failure, after every running step has ended. */
  async run(): Promise<void> {
    const running = new Map<string, Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    const start = (step: Step): Promise<void> => {
      const known = running.get(step.id);
      if (known !== undefined) return known;
      const before = step.after.map((id) => start(this.#definition(id)));
      const promise = Promise.all(before)
        .then(() => this.#runStep(step))
        .catch((error: unknown) => {
          failure ??= { error };
          this.#controller.abort(error);
          throw error;
        });
      running.set(step.id, promise);
      return promise;
    };
    await Promise.allSettled(this.#definitions.map(start));
    if (failure === undefined) return;
    for (const { id, state } of this.#steps.value) if (state === "pending") this.#change(id, { state: "cancelled" });
    throw failure.error;
  }

  async #runStep(step: Step): Promise<void> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    this.#change(step.id, { state: "running", startedAt: Date.now() });
    const log = this.#logs.get(step.id)!;
    try {
      await step.run({
        signal,
        detail: (detail) => this.#change(step.id, { detail }),
        log: (text) => log.update((lines) => [...lines, ...text.split("\n")].slice(-MAX_LOG_LINES)),
      });
      this.#change(step.id, { state: "done", endedAt: Date.now(), detail: undefined });
    } catch (error) {
      const cancelled = signal.aborted;
      this.#change(step.id, {
        state: cancelled ? "cancelled" : "failed",
        endedAt: Date.now(),
        detail: undefined,
        ...(cancelled ? {} : { error: toErrorReport(error) }),
      });
      throw error;
    }
  }

  #definition(id: string): Step {
    const step = this.#definitions.find((candidate) => candidate.id === id);
    if (step === undefined) throw new Error(`no step is called ${id}`);
    return step;
  }

  #change(id: string, change: Partial<BringUpStep>): void {
    this.#steps.update((steps) => steps.map((step) => (step.id === id ? { ...step, ...change } : step)));
  }
}
