/**
 * Reads a JSON object. Undefined for what is none, and for one that says something twice: readers that take the first and readers
 * that take the last would take it for two different things (RFC 7515 4, RFC 7519 4).
 */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || repeatsMember(text)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** A text, with the colon behind it if it is a name; or what opens and closes objects and lists. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** Whether an object anywhere in well-formed JSON has two members of one name. */
function repeatsMember(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [mark, quoted, colon] of text.matchAll(token)) {
    if (mark === "{" || mark === "[") open.push(new Set());
    else if (mark === "}" || mark === "]") open.pop();
    else if (quoted !== undefined && colon !== undefined) {
      const name = JSON.parse(quoted) as string;
      const names = open.at(-1);
      if (names?.has(name) === true) return true;
      names?.add(name);
    }
  }
  return false;
}
