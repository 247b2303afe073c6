/** One step of `kind create cluster`, as it reports it. */
export interface KindProgress {
  readonly step: string;
  readonly state: "running" | "done" | "failed";
}

const states = { "•": "running", "✓": "done", "✗": "failed" } as const;
const pictures = /\p{Extended_Pictographic}|\u{FE0F}|\u{200D}/gu;

/** Reads a line such as ` ✓ Preparing nodes 📦`; undefined for every other text. In a pipe kind writes one line for each change. */
export function parseKindLine(line: string): KindProgress | undefined {
  const match = /^\s*([•✓✗])\s+(.*)$/u.exec(line);
  if (match === null) return undefined;
  const [, mark, rest = ""] = match;
  const step = rest
    .replace(pictures, "")
    .replace(/\s*\.\.\.\s*$/, "")
    .trim();
  return { step, state: states[mark as keyof typeof states] };
}
