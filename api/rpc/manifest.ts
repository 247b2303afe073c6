import type { ObjectReference } from "../kinds/object.ts";
import type { Problem } from "../problem.ts";

export interface ManifestCheck {
  readonly problems: readonly Problem[];
  /** What an apply would do, object by object. Empty when there are errors. */
  readonly changes: readonly { readonly object: ObjectReference; readonly action: "create" | "change" | "none" }[];
}

export interface ApplyResult {
  readonly applied: readonly {
    readonly object: ObjectReference;
    readonly action: "created" | "changed" | "unchanged";
  }[];
  readonly problems: readonly Problem[];
}
