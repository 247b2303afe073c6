/**
 * Envoy's access log format, compiled once into a function. What a record offers is given as a table of operators, so that this
 * knows nothing of proxies. Source: Envoy's documentation, "Access logging", command operators.
 */
export type Operator<Record> = (record: Record) => string | number;

export interface Operators<Record> {
  /** The value of `%NAME%` or `%NAME(argument)%`; undefined when there is no such operator. */
  find(name: string, argument: string | undefined): Operator<Record> | undefined;
}

const operator = /%([A-Z0-9_]+)(?:\(((?:[^()]|\([^()]*\))*)\))?(?::(\d+))?%|%%/g;

/** Compiles a text format. An unknown operator prints "-", as an operator without a value does. */
export function compileText<Record>(format: string, operators: Operators<Record>): (record: Record) => string {
  const parts: (string | Operator<Record>)[] = [];
  let end = 0;
  for (const match of format.matchAll(operator)) {
    parts.push(format.slice(end, match.index));
    end = match.index + match[0].length;
    parts.push(match[1] === undefined ? "%" : compileOperator(match, operators));
  }
  parts.push(format.slice(end));
  return (record) => {
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(record);
    return line;
  };
}

function compileOperator<Record>(match: RegExpMatchArray, operators: Operators<Record>): Operator<Record> {
  const [, name = "", argument, length] = match;
  const find = operators.find(name, argument);
  if (find === undefined) return () => "-";
  const limit = length === undefined ? undefined : Number(length);
  return (record) => {
    const value = find(record);
    if (value === "") return "-";
    return limit === undefined ? value : String(value).slice(0, limit);
  };
}

/** Compiles a JSON format: an object whose texts hold operators. A text that is one operator keeps its number. */
export function compileJson<Record>(format: object, operators: Operators<Record>): (record: Record) => string {
  const write = compileValue(format, operators);
  return (record) => `${JSON.stringify(write(record))}\n`;
}

function compileValue<Record>(value: unknown, operators: Operators<Record>): (record: Record) => unknown {
  if (typeof value === "string") {
    const single = [...value.matchAll(operator)];
    if (single.length === 1 && single[0]![0] === value && single[0]![1] !== undefined) {
      const compiled = compileOperator(single[0]!, operators);
      return (record) => {
        const found = compiled(record);
        return found === "-" ? null : found;
      };
    }
    return compileText(value, operators);
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => compileValue<Record>(item, operators));
    return (record) => items.map((item) => item(record));
  }
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value).map(
      ([name, child]) => [name, compileValue<Record>(child, operators)] as const,
    );
    return (record) => Object.fromEntries(fields.map(([name, child]) => [name, child(record)]));
  }
  return () => value;
}
