import { chmod, chown, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Payload } from "./payload.ts";

/**
 * Replaces the files of a volume all at once, as the kubelet does: the files lie in a folder of their own, `..data` is a link to it,
 * and each visible name is a link through `..data`. Readers see all of the old files or all of the new.
 */
export async function writeAtomically(folder: string, payload: Payload, group?: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const previous = await readlink(join(folder, "..data")).catch(() => undefined);
  const fresh = await mkdtemp(join(folder, "..version_"));
  await chmod(fresh, 0o755);
  await Promise.all([...payload].map(([path, file]) => writePayloadFile(join(fresh, path), file, group)));
  await symlink(fresh.slice(folder.length + 1), join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  await linkNames(folder, new Set([...payload.keys()].map((path) => path.split("/")[0] ?? path)));
  if (previous !== undefined) await rm(join(folder, previous), { recursive: true, force: true });
}

async function writePayloadFile(
  path: string,
  file: { content: Buffer; mode: number },
  group: number | undefined,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file.content);
  if (group !== undefined) await chown(path, 0, group);
  await chmod(path, group === undefined ? file.mode : file.mode | 0o440);
}

async function linkNames(folder: string, names: ReadonlySet<string>): Promise<void> {
  // A folder here is no file of the volume: another volume is mounted on it.
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
  const present = new Set(entries.map(({ name }) => name).filter((name) => !name.startsWith("..")));
  await Promise.all([
    ...[...names].filter((name) => !present.has(name)).map((name) => symlink(join("..data", name), join(folder, name))),
    ...[...present].filter((name) => !names.has(name)).map((name) => rm(join(folder, name), { force: true })),
  ]);
}
