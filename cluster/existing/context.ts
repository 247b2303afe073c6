import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { AppError } from "#api/errors.ts";

interface Named {
  readonly name: string;
}
interface ContextEntry extends Named {
  readonly context?: { readonly cluster?: string; readonly user?: string; readonly namespace?: string };
}
interface ClusterEntry extends Named {
  readonly cluster?: Readonly<Record<string, unknown>>;
}
interface UserEntry extends Named {
  readonly user?: Readonly<Record<string, unknown>>;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly ContextEntry[];
  readonly clusters?: readonly ClusterEntry[];
  readonly users?: readonly UserEntry[];
}

interface SourceFile {
  readonly path: string;
  readonly content: Kubeconfig;
}

/** Fields of clusters and users that name files beside the kubeconfig. */
const fileFields = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/** The kubeconfigs that kubectl would read: what is named, else KUBECONFIG, else ~/.kube/config. */
export function kubeconfigPaths(named: string | undefined, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (named !== undefined) return [resolve(named)];
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter(Boolean);
  return listed.length > 0 ? listed : [join(env.HOME ?? homedir(), ".kube/config")];
}

/** Names of all contexts, in the order of the files. */
export async function listContexts(paths: readonly string[]): Promise<readonly string[]> {
  const files = await readFiles(paths);
  return [...new Set(files.flatMap(({ content }) => (content.contexts ?? []).map(({ name }) => name)))];
}

/**
 * Writes a kubeconfig with this one context, so that the person's own is never changed and changing its current context later does
 * not lead us elsewhere. Credentials that are files or plugins stay where they are. Throws NOT_FOUND.
 */
export async function extractContext(paths: readonly string[], context: string, target: string): Promise<void> {
  const files = await readFiles(paths);
  const entry = find(files, (content) => content.contexts, context);
  if (entry === undefined)
    throw new AppError("NOT_FOUND", `there is no context "${context}" in ${paths.join(", ")}`, {
      hint: `There are: ${(await listContexts(paths)).join(", ") || "none"}.`,
    });
  const cluster = find(files, (content) => content.clusters, entry.item.context?.cluster ?? "");
  if (cluster === undefined)
    throw new AppError("NOT_FOUND", `context "${context}" names no cluster that ${paths.join(", ")} knows`);
  const user = find(files, (content) => content.users, entry.item.context?.user ?? "");
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    contexts: [entry.item],
    clusters: [{ ...cluster.item, cluster: absolute(cluster.item.cluster, cluster.path) }],
    users: user === undefined ? [] : [{ ...user.item, user: absolute(user.item.user, user.path) }],
  });
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await writeFile(`${target}.new`, text, { mode: 0o600 });
  await chmod(`${target}.new`, 0o600);
  await rename(`${target}.new`, target);
}

function find<Item extends Named>(
  files: readonly SourceFile[],
  list: (content: Kubeconfig) => readonly Item[] | undefined,
  name: string,
): { readonly item: Item; readonly path: string } | undefined {
  for (const { path, content } of files) {
    const item = list(content)?.find((one) => one.name === name);
    if (item !== undefined) return { item, path };
  }
  return undefined;
}

function absolute(fields: Readonly<Record<string, unknown>> = {}, path: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      fileFields.includes(name) && typeof value === "string" ? resolve(dirname(path), value) : value,
    ]),
  );
}

/** Files that do not exist are no error, as for kubectl. */
async function readFiles(paths: readonly string[]): Promise<readonly SourceFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, "utf8").catch(() => undefined);
      return text === undefined ? [] : [{ path, content: parseConfig(path, text) }];
    }),
  );
  return files.flat();
}

function parseConfig(path: string, text: string): Kubeconfig {
  try {
    return (parse(text) as Kubeconfig | null) ?? {};
  } catch (error) {
    throw new AppError("BAD_REQUEST", `${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
