/** Something wrong with a text that a person wrote: where, what, and which rule says so. */
export interface Problem {
  readonly severity: "error" | "warning" | "info";
  /** An ErrorCode or an analyzer code such as IST0101. */
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
  /** Path of the field, such as spec.http[0].route[0].weight. */
  readonly field?: string;
}
