import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { AppError } from "#api/errors.ts";
import type { ProviderContext } from "../provider.ts";
import type { Engine } from "./engine.ts";
import { hashOfFolder } from "./folder-hash.ts";
import type { LabImages } from "./lab-images.ts";
import { hasImage } from "./node-image.ts";
import { saveImages } from "./saved-images.ts";

const imageSchema = z.strictObject({
  reference: z.string().min(1),
  /** Hash of the folder that it was built from: an archive of another build is of no use. */
  content: z.string().min(1),
});
const indexSchema = z.strictObject({
  /** As Docker names it: images run on no other. */
  architecture: z.string(),
  mesh: imageSchema,
  apps: imageSchema,
  /** Image of the nodes, if it is in there too. */
  node: z.string().optional(),
});

/** What is in an archive of images. */
export type ArchiveIndex = z.infer<typeof indexSchema>;

/** Name of the file that says what is in the archive beside it. */
export const INDEX = "images.json";
const ARCHIVE = "images.tar";

/** Undefined where there is none. */
export async function readArchive(folder: string): Promise<ArchiveIndex | undefined> {
  const path = join(folder, INDEX);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = indexSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new AppError("BAD_REQUEST", `${path} is no list of images: ${parsed.error.message}`);
  return parsed.data;
}

interface Saving {
  readonly folder: string;
  readonly imagesFolder: string;
  readonly images: LabImages;
  readonly node: string | undefined;
  readonly signal: AbortSignal;
}

/** Writes the images of the lab, and the nodes' if there is one, to a folder from which a room without a registry takes them. */
export async function writeArchive(engine: Engine, options: Saving): Promise<ArchiveIndex> {
  const { folder, imagesFolder, images, node, signal } = options;
  const content = (name: string): Promise<string> => hashOfFolder(join(imagesFolder, name));
  const index: ArchiveIndex = {
    architecture: await architectureOf(engine),
    mesh: { reference: images.mesh, content: await content("mesh") },
    apps: { reference: images.apps, content: await content("apps") },
    ...(node === undefined ? {} : { node }),
  };
  await mkdir(folder, { recursive: true });
  const target = join(folder, ARCHIVE);
  const names = [images.mesh, images.apps, ...(node === undefined ? [] : [node])];
  await pipeline(await saveImages(engine, names, signal), createWriteStream(`${target}.new`), { signal });
  await rename(`${target}.new`, target);
  await writeFile(join(folder, INDEX), `${JSON.stringify(index, null, 2)}\n`);
  return index;
}

/**
 * The lab's images from an archive of this very build, loaded into the engine unless it has them. Undefined where there is no such
 * archive: then they are built.
 */
export async function imagesOfArchive(
  engine: Engine,
  { archiveFolder, imagesFolder }: { readonly archiveFolder: string; readonly imagesFolder: string },
  context: ProviderContext,
): Promise<LabImages | undefined> {
  const index = await readArchive(archiveFolder);
  if (index === undefined || index.architecture !== (await architectureOf(engine))) return undefined;
  for (const name of ["mesh", "apps"] as const)
    if (index[name].content !== (await hashOfFolder(join(imagesFolder, name)))) {
      context.log(`the archive in ${archiveFolder} is of another version and is not used`);
      return undefined;
    }
  const names = [index.mesh.reference, index.apps.reference, ...(index.node === undefined ? [] : [index.node])];
  const there = await Promise.all(names.map((name) => hasImage(engine, name)));
  if (there.includes(false)) await load(engine, join(archiveFolder, ARCHIVE), context);
  return { mesh: index.mesh.reference, apps: index.apps.reference };
}

async function load({ docker }: Engine, archive: string, context: ProviderContext): Promise<void> {
  await access(archive).catch(() => {
    throw new AppError("IMAGE_NOT_FOUND", `${archive} is not there`, { hint: "Copy the whole folder of the archive." });
  });
  context.detail("loading images from the archive");
  const stream = await docker.loadImage(createReadStream(archive), { quiet: true });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
  });
  context.log(`loaded ${archive}`);
}

async function architectureOf({ docker }: Engine): Promise<string> {
  const { Architecture } = (await docker.info()) as { readonly Architecture?: string };
  return Architecture ?? "";
}
