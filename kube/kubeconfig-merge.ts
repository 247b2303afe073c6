import { mkdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Document, isMap, isSeq, parse, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import { AppError } from "#api/errors.ts";

interface Entry {
  readonly name: string;
}
interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly (Entry & { readonly context: { readonly cluster: string; readonly user: string } })[];
  readonly clusters?: readonly Entry[];
  readonly users?: readonly Entry[];
}

const lists = ["clusters", "users", "contexts"] as const;

/**
 * Puts the current context of one kubeconfig into another, with its cluster and user, all three under the one name; what had this
 * name is replaced, everything else stays as it is, comments too. Which context is current there does not change, unless none was.
 *
 * @param target path of the person's own kubeconfig; made if there is none
 */
export async function mergeKubeconfig(source: string, target: string, name: string): Promise<void> {
  const from = (parse(await readFile(source, "utf8")) ?? {}) as Kubeconfig;
  const context = from.contexts?.find((one) => one.name === from["current-context"]);
  const cluster = from.clusters?.find((one) => one.name === context?.context.cluster);
  const user = from.users?.find((one) => one.name === context?.context.user);
  if (context === undefined || cluster === undefined || user === undefined)
    throw new AppError("INTERNAL", `${source} is no complete kubeconfig`);
  await change(target, (document) => {
    put(document, "clusters", { ...cluster, name });
    put(document, "users", { ...user, name });
    put(document, "contexts", { name, context: { ...context.context, cluster: name, user: name } });
    if (!document.get("current-context")) document.set("current-context", name);
  });
}

/** Takes out what `mergeKubeconfig` has put in under this name. */
export async function unmergeKubeconfig(target: string, name: string): Promise<void> {
  const text = await readFile(target, "utf8").catch(() => "");
  if (!text.includes(name)) return;
  await change(target, (document) => {
    for (const list of lists) without(document, list, name);
    if (document.get("current-context") === name) document.set("current-context", "");
  });
}

async function change(named: string, edit: (document: Document) => void): Promise<void> {
  // Some keep theirs elsewhere and have a link in its place.
  const path = await realpath(named).catch(() => named);
  const text = await readFile(path, "utf8").catch(() => "apiVersion: v1\nkind: Config\n");
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined || !isMap(document.contents))
    throw new AppError("BAD_REQUEST", `${path} is no kubeconfig${error === undefined ? "" : `: ${error.message}`}`);
  edit(document as Document);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function put<Item extends Entry>(document: Document, list: (typeof lists)[number], entry: Item): void {
  without(document, list, entry.name);
  listOf(document, list).add(document.createNode(entry));
}

function without(document: Document, list: (typeof lists)[number], name: string): void {
  const items = listOf(document, list);
  items.items = items.items.filter((item) => !isMap(item) || item.get("name") !== name);
}

function listOf(document: Document, list: (typeof lists)[number]): YAMLSeq<YAMLMap> {
  const there = document.get(list);
  if (isSeq(there)) {
    there.flow = false;
    return there as YAMLSeq<YAMLMap>;
  }
  const made = document.createNode([]) as YAMLSeq<YAMLMap>;
  document.set(list, made);
  return made;
}
