import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "#api/errors.ts";
import { INDEX, imagesOfArchive, readArchive, writeArchive } from "#cluster/kind/archive.ts";
import { connectEngine } from "#cluster/kind/engine.ts";
import { provideImages } from "#cluster/kind/images.ts";
import { chooseNodeImage, hasImage } from "#cluster/kind/node-image.ts";
import type { HostConfig } from "../config.ts";
import type { HostSettings } from "../settings.ts";

export interface ArchiveParts {
  readonly config: HostConfig;
  readonly settings: HostSettings;
  readonly signal: AbortSignal;
}

/** Images that this archive holds, by name. */
export type Archived = readonly string[];

/** Writes everything that a kind cluster of the lab needs to a folder: for a release, or a room that reaches no registry. */
export async function saveArchive(folder: string, { config, settings, signal }: ArchiveParts): Promise<Archived> {
  const engine = await connectEngine();
  const context = { signal, detail: () => {}, log: () => {} };
  const { images: imagesFolder, archives: archiveFolder } = config.folders;
  const images = await provideImages(
    engine,
    { imagesFolder, archiveFolder, baseImage: settings.kind.baseImage },
    context,
  );
  const { image } = await chooseNodeImage(engine, settings.kind);
  const node = image !== undefined && (await hasImage(engine, image)) ? image : undefined;
  await writeArchive(engine, { folder, imagesFolder, images, node, signal });
  return [images.mesh, images.apps, ...(node === undefined ? [] : [node])];
}

/** Loads an archive into the engine; clusters use its images from then on. */
export async function loadArchive(
  folder: string,
  { config, signal }: Pick<ArchiveParts, "config" | "signal">,
): Promise<Archived> {
  const index = await readArchive(folder);
  if (index === undefined)
    throw new AppError("NOT_FOUND", `there is no archive of images in ${folder}`, {
      hint: "`slipway images save <folder>` makes one.",
    });
  const { images: imagesFolder, archives } = config.folders;
  const lines: string[] = [];
  const context = { signal, detail: () => {}, log: (line: string) => void lines.push(line) };
  const images = await imagesOfArchive(await connectEngine(), { archiveFolder: folder, imagesFolder }, context);
  if (images === undefined)
    throw new AppError("BAD_REQUEST", `the archive in ${folder} is for another version or another kind of machine`, {
      detail: lines.join("\n"),
      hint: "Save it again with this version of Slipway.",
    });
  await mkdir(archives, { recursive: true, mode: 0o700 });
  await copyFile(join(folder, INDEX), join(archives, INDEX));
  return [images.mesh, images.apps, ...(index.node === undefined ? [] : [index.node])];
}
