import type { ErrorReport } from "../errors.ts";
import type { LabDefinition } from "../lab.ts";

export interface LabSummary {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** What a person will have learnt, as short sentences. */
  readonly teaches: readonly string[];
  readonly minutes: number;
  readonly steps: number;
  readonly stepsDone: number;
}

export interface LabView {
  readonly id: string;
  readonly title: string;
  readonly language: string;
  /** What the charts show at first. */
  readonly charts: LabDefinition["charts"];
  readonly steps: readonly LabStepView[];
  /** The step that the person is at. */
  readonly current: string;
  readonly error: ErrorReport | undefined;
}

export interface LabStepView {
  readonly id: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  /** Markdown, shown one after the other on demand. */
  readonly hints: readonly string[];
  readonly state: "locked" | "open" | "done";
  /** What the person edits; their own last text if they changed it. */
  readonly manifest: { readonly name: string; readonly yaml: string } | undefined;
  readonly checks: readonly CheckView[];
}

export interface CheckView {
  readonly id: string;
  /** What must hold, as a sentence. */
  readonly title: string;
  readonly state: "waiting" | "measuring" | "passed" | "failed";
  /** 0 to 1 while measuring. */
  readonly progress: number;
  /** What was measured, in words and numbers: "v2 answered 41 of 400 (10.3 %)". */
  readonly observed: string | undefined;
  /** What would have been right, and what to look at; only when failed. */
  readonly advice: string | undefined;
}
