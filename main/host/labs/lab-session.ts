import { AppError, toErrorReport } from "#api/errors.ts";
import type { ObjectReference } from "#api/kinds/object.ts";
import type { LabStepDefinition, TrafficSettings } from "#api/lab.ts";
import type { CheckView, LabStepView, LabView } from "#api/rpc/lab-view.ts";
import type { ApplyResult } from "#api/rpc/manifest.ts";
import { type Observable, Subject } from "../observable.ts";
import type { Lab } from "./lab-folder.ts";
import type { Measurements } from "./measurements.ts";
import type { LabProgress, ProgressStore } from "./progress.ts";
import { type CheckProgress, runChecks } from "./run-checks.ts";

/** What a lab does to the cluster. Everything goes through the Kubernetes API. */
export interface LabEffects {
  apply(yaml: string): Promise<ApplyResult>;
  /** Deletes the objects of a manifest; those that are gone already are no error. */
  remove(yaml: string): Promise<void>;
  startTraffic(settings: TrafficSettings): Promise<void>;
  readonly measurements: Measurements;
}

/** How long a check waits for what becomes true by itself, such as a pod that starts. */
const PATIENCE_MS = 30_000;

/** One lab on one cluster: where the person is, what was applied, what the checks found. */
export class LabSession {
  readonly lab: Lab;
  readonly #effects: LabEffects;
  readonly #store: ProgressStore;
  readonly #state: Subject<SessionState>;
  #checking: AbortController | undefined;
  #applied: readonly ObjectReference[] = [];

  constructor(lab: Lab, effects: LabEffects, store: ProgressStore) {
    this.lab = lab;
    this.#effects = effects;
    this.#store = store;
    const progress = store.get(lab.definition.id) ?? freshProgress(lab);
    this.#state = new Subject<SessionState>({ progress, checks: new Map(), error: undefined });
  }

  get state(): Observable<SessionState> {
    return this.#state;
  }

  view(language: string): LabView {
    return viewOf(this.lab, this.#state.value, language);
  }

  /** Applies the lab's setup, the answers so far and the setup of the current step, and starts the traffic. Safe to repeat. */
  async open(): Promise<void> {
    const { definition } = this.lab;
    const current = this.#step(this.progress.current);
    if (!this.progress.started) {
      await this.#applyAll(definition.setup);
      for (const step of definition.steps.slice(0, definition.steps.indexOf(current))) await this.#replay(step);
      await this.#save({ started: true });
    }
    await this.#prepare(current);
  }

  /** Takes what the lab applied out of the cluster, so that another finds the cluster as it expects it; `open` brings it back. */
  async leave(): Promise<void> {
    this.cancelChecks();
    if (!this.progress.started) return;
    await this.#removeAll();
    await this.#save({ started: false, prepared: [] });
  }

  async goto(stepId: string): Promise<void> {
    const step = this.#step(stepId);
    const index = this.lab.definition.steps.indexOf(step);
    const before = this.lab.definition.steps.slice(0, index);
    const missing = before.find((other) => !this.progress.done.includes(other.id));
    if (missing !== undefined) throw new AppError("BAD_REQUEST", `step "${missing.id}" comes first`);
    this.cancelChecks();
    await this.#save({ current: stepId });
    await this.#prepare(step);
  }

  solution(stepId: string): string {
    return this.#step(stepId)
      .solution.map((path) => this.lab.files.get(path) ?? "")
      .join("\n---\n");
  }

  /** Applies a person's answer and, if the cluster took it, measures the step's checks. The checks go on after this resolves. */
  async apply(stepId: string, yaml: string): Promise<ApplyResult> {
    const step = this.#step(stepId);
    await this.#save({ manifests: { ...this.progress.manifests, [stepId]: yaml } });
    const result = await this.#effects.apply(yaml);
    this.#applied = result.applied.map(({ object }) => object);
    const failed = result.problems.some((problem) => problem.severity === "error");
    if (!failed) void this.check(step.id).catch(() => {}); // its outcome is in the view
    return result;
  }

  /** Measures the step's checks; resolves to whether all hold. Measuring again ends a measurement under way. */
  async check(stepId: string, patienceMs: number = PATIENCE_MS): Promise<boolean> {
    const step = this.#step(stepId);
    this.cancelChecks();
    const controller = new AbortController();
    this.#checking = controller;
    try {
      const passed = await runChecks(step.checks, {
        measurements: this.#effects.measurements,
        applied: this.#applied,
        signal: controller.signal,
        patienceMs,
        onChange: (check) => this.#checkChanged(stepId, check),
      });
      if (passed && !this.progress.done.includes(stepId)) await this.#save({ done: [...this.progress.done, stepId] });
      return passed;
    } catch (error) {
      // Where another measurement has begun meanwhile, the view is that one's.
      if (this.#checking === undefined || this.#checking === controller) this.#clearMeasuring(stepId);
      if (!controller.signal.aborted) this.#state.update((state) => ({ ...state, error: toErrorReport(error) }));
      throw error;
    } finally {
      if (this.#checking === controller) this.#checking = undefined;
    }
  }

  cancelChecks(): void {
    this.#checking?.abort(new AppError("CANCELLED", "the measurement was cancelled"));
    this.#checking = undefined;
  }

  /** Takes back everything that the lab applied and starts over. */
  async reset(): Promise<void> {
    this.cancelChecks();
    const { definition } = this.lab;
    await this.#removeAll();
    await this.#store.remove(definition.id);
    this.#state.set({ progress: freshProgress(this.lab), checks: new Map(), error: undefined });
    await this.open();
  }

  get progress(): LabProgress {
    return this.#state.value.progress;
  }

  async #prepare(step: LabStepDefinition): Promise<void> {
    if (!this.progress.prepared.includes(step.id)) {
      await this.#applyAll(step.setup);
      await this.#save({ prepared: [...this.progress.prepared, step.id] });
    }
    await this.#effects.startTraffic(step.traffic ?? this.lab.definition.traffic);
  }

  /** A step that was done in an earlier visit: its setup and the person's own answer. */
  async #replay(step: LabStepDefinition): Promise<void> {
    if (!this.progress.done.includes(step.id)) return;
    await this.#applyAll(step.setup);
    await this.#effects.apply(this.progress.manifests[step.id] ?? this.solution(step.id));
  }

  async #removeAll(): Promise<void> {
    const { definition, files } = this.lab;
    const paths = [...definition.steps.flatMap((step) => [...step.setup, ...step.solution]), ...definition.setup];
    for (const path of new Set(paths)) await this.#effects.remove(files.get(path) ?? "");
  }

  async #applyAll(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const { problems } = await this.#effects.apply(this.lab.files.get(path) ?? "");
      const problem = problems.find(({ severity }) => severity === "error");
      if (problem !== undefined) throw new AppError("MANIFEST_REJECTED", `${path}: ${problem.message}`);
    }
  }

  #step(id: string): LabStepDefinition {
    const step = this.lab.definition.steps.find((candidate) => candidate.id === id);
    if (step === undefined) throw new AppError("NOT_FOUND", `the lab "${this.lab.definition.id}" has no step "${id}"`);
    return step;
  }

  #checkChanged(step: string, check: CheckProgress): void {
    this.#state.update((state) => {
      const checks = new Map(state.checks);
      checks.set(step, new Map(checks.get(step)).set(check.id, check));
      return { ...state, checks, error: undefined };
    });
  }

  #clearMeasuring(step: string): void {
    for (const check of this.#state.value.checks.get(step)?.values() ?? [])
      if (check.state === "measuring" || check.state === "waiting")
        this.#checkChanged(step, { ...check, state: "waiting", progress: 0 });
  }

  async #save(change: Partial<LabProgress>): Promise<void> {
    this.#state.update((state) => ({ ...state, progress: { ...state.progress, ...change } }));
    await this.#store.set(this.lab.definition.id, this.progress);
  }
}

export interface SessionState {
  readonly progress: LabProgress;
  /** step -> check -> what was found */
  readonly checks: ReadonlyMap<string, ReadonlyMap<string, CheckProgress>>;
  readonly error: LabView["error"];
}

function freshProgress(lab: Lab): LabProgress {
  return { current: lab.definition.steps[0]!.id, done: [], started: false, prepared: [], manifests: {} };
}

function viewOf(lab: Lab, state: SessionState, language: string): LabView {
  const known = lab.texts.has(language) ? language : lab.definition.languages[0]!;
  const texts = lab.texts.get(known);
  const firstOpen = lab.definition.steps.findIndex((step) => !state.progress.done.includes(step.id));
  return {
    id: lab.definition.id,
    title: texts?.title ?? lab.definition.id,
    language: known,
    charts: lab.definition.charts,
    current: state.progress.current,
    error: state.error,
    steps: lab.definition.steps.map((step, index): LabStepView => {
      const text = texts?.steps.get(step.id);
      const done = state.progress.done.includes(step.id);
      return {
        id: step.id,
        title: text?.title ?? step.id,
        text: text?.body ?? "",
        hints: text?.hints ?? [],
        state: done ? "done" : index === firstOpen ? "open" : "locked",
        manifest:
          step.manifest === undefined
            ? undefined
            : { name: step.manifest, yaml: state.progress.manifests[step.id] ?? lab.files.get(step.manifest) ?? "" },
        checks: step.checks.map((check): CheckView => {
          const found = state.checks.get(step.id)?.get(check.id);
          const sentence = text?.checks.get(check.id);
          const status = found?.state ?? (done ? "passed" : "waiting");
          return {
            id: check.id,
            title: sentence?.title ?? check.id,
            state: status,
            progress: found?.progress ?? (done ? 1 : 0),
            observed: found?.observed,
            advice: status === "failed" ? sentence?.advice : undefined,
          };
        }),
      };
    }),
  };
}
