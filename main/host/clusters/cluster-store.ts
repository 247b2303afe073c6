import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClusterDefinition, clusterDefinitionSchema } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";

/** What there is before anybody asked for anything. */
export const defaultCluster: ClusterDefinition = { name: "default", provider: "embedded", zones: [] };

const DEFINITION = "cluster.json";
const CURRENT = "current-cluster";

/** The definitions of all clusters, each kept in the cluster's own folder, and which of them the lab is on. */
export class ClusterStore {
  readonly #stateFolder: string;

  constructor(stateFolder: string) {
    this.#stateFolder = stateFolder;
  }

  folder(name: string): string {
    return join(this.#stateFolder, "clusters", name);
  }

  /** By name; the default cluster is always there. */
  async list(): Promise<readonly ClusterDefinition[]> {
    const names = await readdir(join(this.#stateFolder, "clusters")).catch(() => []);
    const found = await Promise.all(names.map((name) => this.read(name)));
    const known = found.filter((definition) => definition !== undefined);
    const all = known.some(({ name }) => name === defaultCluster.name) ? known : [defaultCluster, ...known];
    return all.toSorted((a, b) => a.name.localeCompare(b.name));
  }

  async read(name: string): Promise<ClusterDefinition | undefined> {
    const path = join(this.folder(name), DEFINITION);
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) return name === defaultCluster.name ? defaultCluster : undefined;
    return parseDefinition(JSON.parse(text), path);
  }

  async write(definition: ClusterDefinition): Promise<void> {
    const folder = this.folder(definition.name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await replace(join(folder, DEFINITION), JSON.stringify(definition, null, 2));
  }

  async remove(name: string): Promise<void> {
    await rm(this.folder(name), { recursive: true, force: true });
  }

  async current(): Promise<string> {
    const text = await readFile(join(this.#stateFolder, CURRENT), "utf8").catch(() => "");
    return text.trim() || defaultCluster.name;
  }

  setCurrent(name: string): Promise<void> {
    return replace(join(this.#stateFolder, CURRENT), `${name}\n`);
  }
}

/** @param where for the message: a file, or what was asked for */
export function parseDefinition(value: unknown, where: string): ClusterDefinition {
  const parsed = clusterDefinitionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError("BAD_REQUEST", `${where}: ${issue?.path.join(".") || "definition"}: ${issue?.message}`);
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
