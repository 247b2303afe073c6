/**
 * Checks who imports whom, by the table below. The type checker already refuses files outside a folder's references; this adds
 * packages (electron only in main/desktop), Node in the contracts, and a message that says what to do.
 */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

interface Rule {
  readonly folders: readonly string[];
  /** Packages beside Node's own modules; undefined for any. */
  readonly packages?: readonly string[];
  readonly node?: boolean;
}

/** The longest matching folder decides. */
const rules: Readonly<Record<string, Rule>> = {
  api: { folders: ["api"], packages: ["zod", "yaml", "re2js"], node: false },
  kube: { folders: ["api"] },
  "mesh/lib": { folders: ["api", "gen"] },
  "mesh/capture": { folders: ["api", "mesh/lib"] },
  "mesh/proxy": { folders: ["api", "gen", "mesh/lib", "mesh/capture"] },
  "mesh/ztunnel": { folders: ["api", "gen", "kube", "mesh/lib", "mesh/capture"] },
  "mesh/control-plane": { folders: ["api", "gen", "kube", "mesh/lib"] },
  "mesh/deploy": { folders: ["api", "gen", "kube"] },
  cluster: { folders: ["api", "kube", "mesh/deploy"] },
  "main/host": { folders: ["api", "kube", "cluster", "mesh/deploy"] },
  "main/desktop": { folders: ["api"] },
  renderer: { folders: ["api"], node: false },
  cli: { folders: ["api", "kube", "main/host"] },
  apps: { folders: ["api"] },
  scripts: { folders: ["api", "cluster", "mesh"] },
  test: { folders: ["api", "gen", "kube", "cluster", "mesh", "main", "cli", "apps", "scripts"] },
};
const electronOnlyIn = "main/desktop";
const specifier =
  /(?:^|[^\w.])(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

function folderOf(path: string): string | undefined {
  const matches = [...Object.keys(rules), "gen"].filter((folder) => path === folder || path.startsWith(`${folder}/`));
  return matches.toSorted((a, b) => b.length - a.length)[0];
}

function problemsOf(file: string): readonly string[] {
  const from = folderOf(file);
  if (from === undefined) return [];
  const rule = rules[from]!;
  const isTest = /\.test\.tsx?$/.test(file) || file.startsWith("renderer/dev/");
  const problems: string[] = [];
  for (const match of readFileSync(join(root, file), "utf8").matchAll(specifier)) {
    const target = match[1] ?? match[2] ?? "";
    const problem = judge(target, { file, from, rule, isTest });
    if (problem !== undefined) problems.push(`${file}: ${problem}`);
  }
  return problems;
}

function judge(target: string, at: { file: string; from: string; rule: Rule; isTest: boolean }): string | undefined {
  if (target.startsWith(".") || target.startsWith("#")) {
    const path = target.startsWith("#") ? target.slice(1) : relative(root, resolve(root, dirname(at.file), target));
    const to = folderOf(path);
    if (
      to === undefined ||
      to === at.from ||
      at.rule.folders.some((folder) => to === folder || to.startsWith(`${folder}/`))
    )
      return undefined;
    return `imports ${path}, but ${at.from} may import only ${at.rule.folders.join(", ") || "itself"}`;
  }
  const isNode = target.startsWith("node:") || builtinModules.includes(target);
  if (isNode)
    return at.rule.node === false && !at.isTest ? `imports ${target}, but ${at.from} runs without Node` : undefined;
  const name = target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
  if (name === "electron" && at.from !== electronOnlyIn) return `imports electron, which only ${electronOnlyIn} may`;
  const isTypesOnly =
    name.startsWith("@kubernetes-models/") || name === "kubernetes-models" || name === "vitest" || name === "vite";
  if (at.rule.packages !== undefined && !isTypesOnly && !at.rule.packages.includes(name)) {
    return `imports the package ${name}, but ${at.from} may use only ${at.rule.packages.join(", ")}`;
  }
  return undefined;
}

const files = Object.keys(rules)
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((file) => /\.tsx?$/.test(file));
const problems = [...new Set(files)].flatMap(problemsOf);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`imports of ${new Set(files).size} files are as ARCHITECTURE.md says`);
