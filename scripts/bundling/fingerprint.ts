import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What a build was made from: for each input file its time stamp and size (a quick look) and its content's hash (the truth). */
export type Fingerprint = Readonly<Record<string, readonly [mtimeMs: number, size: number, hash: string]>>;

/** Looks at files now, below `root`. */
export function fingerprintOf(root: string, files: readonly string[]): Fingerprint {
  return Object.fromEntries(
    files.toSorted().map((file) => {
      const { mtimeMs, size } = statSync(join(root, file));
      return [file, [mtimeMs, size, hashOf(join(root, file))]];
    }),
  );
}

/** Whether no input has another content than it had. Reads only files whose time stamp or size changed. */
export function isCurrent(root: string, fingerprint: Fingerprint): boolean {
  return Object.entries(fingerprint).every(([file, [mtimeMs, size, hash]]) => {
    const stats = statSync(join(root, file), { throwIfNoEntry: false });
    if (stats === undefined || stats.size !== size) return false;
    return stats.mtimeMs === mtimeMs || hashOf(join(root, file)) === hash;
  });
}

/** All files below folders (or the files themselves), relative to `root`; what does not exist is left out. */
export function filesBelow(root: string, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const absolute = join(root, path);
    if (!existsSync(absolute)) return [];
    if (statSync(absolute).isFile()) return [path];
    return readdirSync(absolute, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(path, entry.parentPath.slice(absolute.length), entry.name));
  });
}

const hashOf = (path: string): string => createHash("sha1").update(readFileSync(path)).digest("base64");
