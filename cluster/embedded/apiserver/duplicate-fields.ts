/**
 * Paths of members that stand twice in one object of a JSON text, which parsing hides. Source: Kubernetes' strict field validation.
 * The text must be JSON.
 */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = [];
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g);
  /** Open objects and lists: the members seen, and where they are. */
  const open: { readonly names: Set<string> | undefined; path: string; index: number; key: string }[] = [];
  let previous = "";
  for (const [token] of tokens) {
    const top = open.at(-1);
    if (token === "{" || token === "[") {
      const path = top === undefined ? "" : pathOf(top);
      open.push({ names: token === "{" ? new Set() : undefined, path, index: 0, key: "" });
    } else if (token === "}" || token === "]") open.pop();
    else if (token === ",") {
      if (top !== undefined) top.index++;
    } else if (token !== ":" && top?.names !== undefined && previous !== ":") {
      const name = JSON.parse(token) as string;
      top.key = name;
      if (top.names.has(name)) found.push(pathOf(top));
      top.names.add(name);
    }
    previous = token;
  }
  return [...new Set(found)];
}

const pathOf = (at: { names: unknown; path: string; index: number; key: string }): string =>
  at.names === undefined ? `${at.path}[${at.index}]` : at.path === "" ? at.key : `${at.path}.${at.key}`;
