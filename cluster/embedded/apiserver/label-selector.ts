import { badRequest } from "./status.ts";

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** Compiles `a=b,c!=d,e in (f,g),!h,i,j>1`. Source: Kubernetes' label selectors. Fails with BadRequest in its words. */
export function compileLabelSelector(selector: string): LabelTest {
  const tests = new Parser(tokensOf(selector)).selector();
  return (labels) => tests.every((test) => test(labels));
}

const tokensOf = (text: string): readonly string[] => text.match(/[(),]|[=!<>]=?|[^\s(),=!<>]+/g) ?? [];
const isIdentifier = (token: string | undefined): token is string => token !== undefined && !/^[(),=!<>]/.test(token);

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  selector(): readonly LabelTest[] {
    const tests: LabelTest[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined) return tests;
      if (token !== "!" && !isIdentifier(token))
        throw badRequest(`found '${token}', expected: !, identifier, or 'end of string'`);
      try {
        tests.push(this.#requirement());
      } catch (error) {
        if (error instanceof Unparsable) throw badRequest(`unable to parse requirement: ${error.message}`);
        throw error;
      }
      const next = this.#next();
      if (next === undefined) return tests;
      if (next !== ",") throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after !== "!" && !isIdentifier(after))
        throw badRequest(`found '${after ?? ""}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelTest {
    if (this.#peek() === "!") {
      this.#next();
      const key = this.#identifier("identifier");
      return (labels) => labels[key] === undefined;
    }
    const key = this.#identifier("identifier");
    if (this.#peek() === undefined || this.#peek() === ",") return (labels) => labels[key] !== undefined;
    const operator = this.#next() ?? "";
    switch (operator) {
      case "in":
      case "notin": {
        const values = this.#values();
        return operator === "in"
          ? (labels) => labels[key] !== undefined && values.has(labels[key])
          : (labels) => labels[key] === undefined || !values.has(labels[key]);
      }
      case "=":
      case "==": {
        const value = this.#exactValue();
        return (labels) => labels[key] === value;
      }
      case "!=": {
        const value = this.#exactValue();
        return (labels) => labels[key] !== value;
      }
      case ">":
      case "<": {
        const limit = Number(this.#exactValue());
        const compare = operator === ">" ? (a: number) => a > limit : (a: number) => a < limit;
        return (labels) => /^-?\d+$/.test(labels[key] ?? "") && compare(Number(labels[key]));
      }
      default:
        throw new Unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #values(): ReadonlySet<string> {
    const open = this.#next();
    if (open !== "(") throw new Unparsable(`found '${open ?? ""}' expected: '('`);
    const values = new Set<string>();
    for (let isAfterComma = true; ; ) {
      const token = this.#next();
      if (token === ")") {
        if (isAfterComma) values.add("");
        return values;
      }
      if (token === ",") {
        if (isAfterComma) values.add("");
        isAfterComma = true;
      } else if (isIdentifier(token)) {
        values.add(token);
        isAfterComma = false;
      } else throw new Unparsable(`found '${token ?? ""}', expected: ',', or ')'`);
    }
  }

  #exactValue(): string {
    const token = this.#peek();
    return token === undefined || token === "," ? "" : this.#identifier("identifier");
  }

  #identifier(what: string): string {
    const token = this.#next();
    if (!isIdentifier(token)) throw new Unparsable(`found '${token ?? ""}', expected: ${what}`);
    return token;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }
}

class Unparsable extends Error {}
