import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, LineCounter, parseAllDocuments, parseDocument } from "yaml";
import type { z } from "zod";
import { AppError } from "#api/errors.ts";
import { type LabCheckDefinition, type LabDefinition, labSchema } from "#api/lab.ts";
import type { Problem } from "#api/problem.ts";
import { MISSED, missProbability, sampleFor } from "./statistics.ts";
import { parseText, type StepText } from "./text.ts";

/** A lab as it lies in its folder: definition, texts by language and step, manifests by path. */
export interface Lab {
  readonly definition: LabDefinition;
  readonly folder: string;
  readonly texts: ReadonlyMap<string, LabTexts>;
  readonly files: ReadonlyMap<string, string>;
}

export interface LabTexts {
  readonly title: string;
  readonly summary: string;
  readonly teaches: readonly string[];
  readonly steps: ReadonlyMap<string, StepText>;
}

/** Reads every lab below a folder, in their order. Throws LAB_INVALID with all problems of all labs. */
export async function readLabs(folder: string): Promise<readonly Lab[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const labs = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => readLab(join(folder, entry.name))),
  );
  return labs.toSorted((a, b) => a.definition.order - b.definition.order);
}

/** Reads and validates one lab. Throws LAB_INVALID whose detail names file and line of each problem. */
export async function readLab(folder: string): Promise<Lab> {
  const { problems, lab } = await inspectLab(folder);
  if (lab !== undefined && problems.length === 0) return lab;
  const lines = problems.map(
    (problem) => `${problem.file}:${problem.line ?? 1}: ${problem.field ?? ""} ${problem.message}`,
  );
  throw new AppError("LAB_INVALID", `the lab in ${folder} is not valid: ${lines[0]}`, { detail: lines.join("\n") });
}

/** Everything that is wrong with a lab's folder; the lab itself if it could be read at all. */
export async function inspectLab(
  folder: string,
): Promise<{ readonly problems: readonly Problem[]; readonly lab: Lab | undefined }> {
  const problems: Problem[] = [];
  const source = await readText(join(folder, "lab.yaml"));
  if (source === undefined) return { problems: [problem("lab.yaml", "the file is missing")], lab: undefined };
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  for (const error of document.errors)
    problems.push({ ...problem("lab.yaml", error.message), ...position(error.pos[0], lines) });
  if (problems.length > 0) return { problems, lab: undefined };
  const parsed = labSchema.safeParse(document.toJS());
  if (!parsed.success) {
    return { problems: parsed.error.issues.map((issue) => schemaProblem(issue, document, lines)), lab: undefined };
  }
  const definition = parsed.data;
  const files = await readManifests(folder, definition, problems);
  const texts = new Map<string, LabTexts>();
  for (const language of definition.languages) {
    const text = await readTexts(folder, language, { definition, problems });
    if (text !== undefined) texts.set(language, text);
  }
  problems.push(...definition.steps.flatMap((step) => step.checks.flatMap((check) => powerProblems(step.id, check))));
  problems.push(...duplicates(definition));
  return { problems, lab: { definition, folder, texts, files } };
}

async function readManifests(
  folder: string,
  definition: LabDefinition,
  problems: Problem[],
): Promise<ReadonlyMap<string, string>> {
  const steps = definition.steps.flatMap((step) => [
    ...step.setup,
    ...(step.manifest ? [step.manifest] : []),
    ...step.solution,
  ]);
  const files = new Map<string, string>();
  for (const path of new Set([...definition.setup, ...steps])) {
    const text = await readText(join(folder, path));
    if (text === undefined) {
      problems.push(problem(path, "the file is missing, but lab.yaml names it"));
      continue;
    }
    const lines = new LineCounter();
    const isShownFirst = definition.steps.some((step) => step.manifest === path);
    for (const document of parseAllDocuments(text, { lineCounter: lines }))
      for (const error of isShownFirst ? [] : document.errors)
        problems.push({ ...problem(path, error.message), ...position(error.pos[0], lines) });
    files.set(path, text);
  }
  return files;
}

async function readTexts(
  folder: string,
  language: string,
  context: { definition: LabDefinition; problems: Problem[] },
): Promise<LabTexts | undefined> {
  const overviewFile = `${language}/lab.md`;
  const overview = await readText(join(folder, overviewFile));
  if (overview === undefined) {
    context.problems.push(problem(overviewFile, "the file is missing"));
    return undefined;
  }
  const steps = new Map<string, StepText>();
  for (const step of context.definition.steps) {
    const file = `${language}/${step.id}.md`;
    const text = await readText(join(folder, file));
    if (text === undefined) {
      context.problems.push(problem(file, `the text of step ${step.id} is missing`));
      continue;
    }
    const parsed = parseText(text);
    for (const check of step.checks)
      if (!parsed.checks.has(check.id))
        context.problems.push(problem(file, `the text has no sentence for check "${check.id}"`));
    for (const id of parsed.checks.keys())
      if (!step.checks.some((check) => check.id === id))
        context.problems.push(problem(file, `lab.yaml has no check "${id}"`));
    steps.set(step.id, parsed);
  }
  const parsed = parseText(overview);
  const [summary = "", ...rest] = parsed.body.split(/\n\s*\n/);
  const teaches = rest
    .join("\n")
    .split("\n")
    .filter((line) => line.startsWith("- "))
    .map((line) => line.slice(2).trim());
  return { title: parsed.title, summary: summary.replaceAll("\n", " ").trim(), teaches, steps };
}

function powerProblems(step: string, check: LabCheckDefinition): readonly Problem[] {
  if (check.type !== "share") return [];
  const { share, notShares } = check.expect;
  return notShares
    .filter((wrong) => missProbability(check.sample, share, wrong) > MISSED)
    .map((wrong) => {
      const needed = sampleFor(share, wrong);
      const advice = needed === undefined ? "no sample can" : `use at least ${needed}`;
      return problem(
        "lab.yaml",
        `check "${check.id}" of step "${step}": a sample of ${check.sample} cannot tell a share of ${share} from ${wrong}; ${advice}`,
      );
    });
}

function duplicates(definition: LabDefinition): readonly Problem[] {
  const ids = definition.steps.map((step) => step.id);
  return ids
    .filter((id, index) => ids.indexOf(id) !== index)
    .map((id) => problem("lab.yaml", `two steps have the id "${id}"`));
}

const problem = (file: string, message: string): Problem => ({
  severity: "error",
  code: "LAB_INVALID",
  file,
  line: 1,
  message,
});

function schemaProblem(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): Problem {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  return {
    ...problem("lab.yaml", issue.message),
    field: fieldPath(path),
    ...position(offsetOf(document, path), lines),
  };
}

function fieldPath(path: readonly (string | number)[]): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}

/** Where the deepest part of the path that exists in the text begins. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (node !== null && typeof node === "object" && "range" in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return 0;
}

function position(offset: number, lines: LineCounter): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
