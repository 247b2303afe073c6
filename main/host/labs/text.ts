export interface StepText {
  readonly title: string;
  /** Markdown without title, hints and checks. */
  readonly body: string;
  readonly hints: readonly string[];
  /** check id -> its sentence and what to look at when it fails */
  readonly checks: ReadonlyMap<string, { readonly title: string; readonly advice: string }>;
}

/**
 * Reads a step's Markdown: `# Title`, the text, then the sections `## Hints` (one list item each) and `## Checks`
 * (`- id: sentence | advice`), whose names are the same in every language because people never see them.
 */
export function parseText(markdown: string): StepText {
  const sections = markdown.replaceAll("\r\n", "\n").split(/^## (?=Hints$|Checks$)/m);
  const [head = "", ...rest] = sections;
  const title = /^# (.+)$/m.exec(head)?.[1]?.trim() ?? "";
  const section = (name: string): string =>
    rest.find((text) => text.startsWith(`${name}\n`))?.slice(name.length + 1) ?? "";
  const checks = new Map<string, { title: string; advice: string }>();
  for (const item of listItems(section("Checks"))) {
    const match = /^([a-z0-9-]+):\s*([^|]+?)\s*(?:\|\s*(.*))?$/s.exec(item);
    if (match) checks.set(match[1]!, { title: match[2]!, advice: match[3]?.trim() ?? "" });
  }
  return { title, body: head.replace(/^# .+$/m, "").trim(), hints: listItems(section("Hints")), checks };
}

/** Top-level list items with their continuation lines. */
function listItems(markdown: string): readonly string[] {
  return markdown
    .split(/^- /m)
    .slice(1)
    .map((item) => item.replaceAll(/\n {2}/g, "\n").trim());
}
