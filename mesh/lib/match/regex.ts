import { RE2JS } from "re2js";

/** Compiled expressions by their text: many routes share a few. One cache belongs to one compilation of configuration. */
export class RegexCache {
  readonly #compiled = new Map<string, RE2JS>();

  /** RE2 semantics, linear time whatever the input. Throws RangeError-like errors of re2js for what does not parse. */
  compile(pattern: string): RE2JS {
    const existing = this.#compiled.get(pattern);
    if (existing !== undefined) return existing;
    const compiled = RE2JS.compile(pattern);
    this.#compiled.set(pattern, compiled);
    return compiled;
  }

  /** A test for a full match, which is what Envoy's safe_regex asks for. */
  fullMatch(pattern: string): (value: string) => boolean {
    if (pattern === ".*") return () => true;
    const compiled = this.compile(pattern);
    return (value) => compiled.testExact(value);
  }

  /** Envoy's regex_rewrite: every match replaced; \1 to \9 are groups. */
  rewrite(pattern: string, substitution: string): (value: string) => string {
    const compiled = this.compile(pattern);
    const parts = substitution.split(/(\\\d)/);
    return (value) => {
      const matcher = compiled.matcher(value);
      let result = "";
      let last = 0;
      while (matcher.find()) {
        result += value.slice(last, matcher.start());
        for (const part of parts) result += /^\\\d$/.test(part) ? (matcher.group(Number(part.slice(1))) ?? "") : part;
        last = matcher.end();
      }
      return result + value.slice(last);
    };
  }
}
