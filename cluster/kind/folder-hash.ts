import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** Hash of everything in a folder: names, contents, links and which files may be run. Not of times or owners. */
export async function hashOfFolder(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const entries = await Promise.all(names.map(async (name) => `${name}\0${await describe(join(folder, name))}`));
  return createHash("sha256").update(entries.join("\n")).digest("hex");
}

async function describe(path: string): Promise<string> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return `link ${await readlink(path)}`;
  if (stats.isDirectory()) return "folder";
  const hash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  return `${(stats.mode & 0o111) === 0 ? "file" : "program"} ${hash}`;
}
