import { RE2JS } from "re2js";

/** Why a pattern is no regular expression; they are RE2's: no looking ahead or behind, no references. */
export function patternProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
