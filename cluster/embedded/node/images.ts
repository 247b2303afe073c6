import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/**
 * `image.json` of a folder of the catalogue. The folder is what containers see, read-only, at /opt/slipway/<folder name>; its
 * bin/ comes first on the PATH.
 */
export const imageSchema = z.strictObject({
  /** Every name under which pods may ask for it, with tag: "slipway/mesh:0.1.0". */
  references: z.array(z.string().min(1)).min(1),
  /** As ENTRYPOINT and CMD of an image. */
  entrypoint: z.array(z.string()).default([]),
  cmd: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  workdir: z.string().startsWith("/").default("/"),
  /** Numeric "uid" or "uid:gid". */
  user: z
    .string()
    .regex(/^\d+(:\d+)?$/)
    .default("0:0"),
});

export type ImageConfig = z.infer<typeof imageSchema>;

export interface Image extends ImageConfig {
  /** Folder name: the part of the path inside the container. */
  readonly name: string;
  /** Folder on this machine. */
  readonly path: string;
}

export interface ImageCatalogue {
  find(reference: string): Image | undefined;
  /** For the node's status. */
  all(): readonly Image[];
}

/** Reads every `<dir>/<name>/image.json`. A folder without one is no image; one that does not fit the schema fails with its path. */
export async function readCatalogue(dir: string): Promise<ImageCatalogue> {
  const names = await readdir(dir);
  const images = (await Promise.all(names.map((name) => readImage(dir, name)))).filter((image) => image !== undefined);
  const byReference = new Map(
    images.flatMap((image) => image.references.map((reference) => [normalise(reference), image] as const)),
  );
  return { find: (reference) => byReference.get(normalise(reference)), all: () => images };
}

async function readImage(dir: string, name: string): Promise<Image | undefined> {
  const path = join(dir, name);
  const text = await readFile(join(path, "image.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${join(path, "image.json")} is not JSON: ${String(error)}`);
  }
  const parsed = imageSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(`${join(path, "image.json")} does not fit the schema: ${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, name, path };
}

/** The default registry and the library namespace may be left out, and so may the tag "latest"; a digest is not kept. */
function normalise(reference: string): string {
  const withoutDigest = reference.split("@")[0] ?? reference;
  const short = withoutDigest.replace(/^(index\.)?docker\.io\//, "").replace(/^library\//, "");
  return /:[^/]+$/.test(short) ? short : `${short}:latest`;
}
