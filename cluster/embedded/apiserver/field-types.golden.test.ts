import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "../../../node_modules");
const models = join(modules, "kubernetes-models");
const golden = join(here, "field-types.ts");

/** Kinds whose fields are checked; custom ones bring their own schema. */
const roots = [
  ..."Namespace Pod Service Endpoints ConfigMap Secret ServiceAccount PersistentVolumeClaim LimitRange ResourceQuota"
    .split(" ")
    .map((kind) => `v1/${kind}`),
  ..."Deployment ReplicaSet DaemonSet StatefulSet".split(" ").map((kind) => `apps/v1/${kind}`),
  ..."Job CronJob".split(" ").map((kind) => `batch/v1/${kind}`),
  ..."Ingress IngressClass NetworkPolicy".split(" ").map((kind) => `networking.k8s.io/v1/${kind}`),
  ..."Role ClusterRole RoleBinding ClusterRoleBinding".split(" ").map((kind) => `rbac.authorization.k8s.io/v1/${kind}`),
  ..."MutatingWebhookConfiguration ValidatingWebhookConfiguration"
    .split(" ")
    .map((kind) => `admissionregistration.k8s.io/v1/${kind}`),
  "policy/v1/PodDisruptionBudget",
  "autoscaling/v2/HorizontalPodAutoscaler",
  "discovery.k8s.io/v1/EndpointSlice",
  "scheduling.k8s.io/v1/PriorityClass",
];

interface Found {
  readonly line: string;
  readonly next: readonly string[];
}

/** One type as a line: its name, then field=type. s, n, b, q (number or string), * (anything), [ list of, { map of, else a type. */
function readType(id: string): Found {
  const file = id.startsWith("meta/")
    ? join(modules, "@kubernetes-models/apimachinery/apis/meta/v1", `${id.slice(5)}.d.ts`)
    : join(models, `${id}.d.ts`);
  const source = readFileSync(file, "utf8").replace(/\/\*\*[\s\S]*?\*\//g, "");
  const body = /export interface I\w+(?: extends \w+)? \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? "";
  const imports = new Map(
    [...source.matchAll(/import \{ (\w+) \} from "([^"]+)"/g)].map(([, name = "", from = ""]) => [
      name,
      idOf(from, file),
    ]),
  );
  const own = `I${id.split("/").at(-1)}`;
  const next = new Set<string>();
  const typeOf = (text: string): string => {
    const type = text.trim();
    const list = /^Array<([\s\S]+)>$/.exec(type)?.[1];
    if (list !== undefined) return `[${typeOf(list)}`;
    const map = /^\{\s*\[key: string\]: ([\s\S]+);\s*\}$/.exec(type)?.[1];
    if (map !== undefined) return `{${typeOf(map)}`;
    if (type === "string" || type.startsWith('"')) return "s";
    if (type === "number") return "n";
    if (type === "boolean") return "b";
    if (type === own) return id;
    const target = imports.get(type);
    if (target === undefined || target === "*") return "*";
    if (target.length === 1) return target;
    next.add(target);
    return target;
  };
  const fields = [...body.matchAll(/^ {4}"([^"]+)"\??: ((?:\{[\s\S]*?\n {4}\}|[^;{]+));$/gm)].map(
    ([, name, type = ""]) => `${name}=${typeOf(type)}`,
  );
  return { line: `${id} ${fields.join(" ")}`, next: [...next] };
}

function idOf(from: string, file: string): string {
  const name = from.split("/").at(-1)!.replace(/\.js$/, "");
  if (name === "Quantity" || name === "IntOrString") return "q";
  if (name === "Time" || name === "MicroTime") return "s";
  if (["FieldsV1", "RawExtension", "JSON"].includes(name)) return "*";
  if (from.startsWith("@kubernetes-models/apimachinery/apis/meta") || file.includes("apimachinery"))
    return `meta/${name}`;
  if (!from.startsWith(".")) return "*";
  return relative(models, join(dirname(file), from)).replace(/\.js$/, "");
}

it("knows the fields of the built-in kinds as kubernetes-models has them", () => {
  if (!existsSync(models)) return;
  const lines = new Map<string, string>();
  const open = [...roots];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (lines.has(id)) continue;
    const { line, next } = readType(id);
    lines.set(id, line);
    open.push(...next);
  }
  const text = [...lines.values()].sort().join("\n");
  const source = `/**\n * Fields of the built-in kinds, a type a line, as its golden test reads them from kubernetes-models (npm run golden rewrites them).\n * s string, n number, b boolean, q number or string, * anything, [ list of, { map of, else the name of a type.\n */\nexport const fieldTypes = \`\n${text}\n\`;\n`;
  if (process.env.GOLDEN === "write") writeFileSync(golden, source);
  expect(readFileSync(golden, "utf8")).toBe(source);
});
