import { createHash } from "node:crypto";
import { copyFile, link, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "#api/errors.ts";
import { VERSION } from "#api/names.ts";
import type { ProviderContext } from "../provider.ts";
import { imagesOfArchive } from "./archive.ts";
import { diagnose } from "./diagnose.ts";
import type { Engine } from "./engine.ts";
import { hashOfFolder } from "./folder-hash.ts";
import type { LabImages } from "./lab-images.ts";
import { hasImage, localBase } from "./node-image.ts";

export interface ImageOptions {
  /** Folder of the build with a folder for each image, and in it its recipe. */
  readonly imagesFolder: string;
  readonly baseImage: string | undefined;
  /** Where images of a release lie, ready to be loaded. */
  readonly archiveFolder: string;
}

/** Marks what was built here, so that it can be found again and removed. */
const LABEL = "io.slipway.image";
/** Debian has what the proxy's capture needs; Node.js comes from here or, for another system, with the image. */
const publicBase = { own: "debian:12-slim", other: "node:24-bookworm-slim" };

/**
 * The mesh's and the applications' images: from an archive, where a release or a workshop has brought one and no other base is
 * asked for, else built from their recipes, unless the engine has them with this very content.
 */
export async function provideImages(
  engine: Engine,
  options: ImageOptions,
  context: ProviderContext,
): Promise<LabImages> {
  const carried = options.baseImage === undefined ? await imagesOfArchive(engine, options, context) : undefined;
  return carried ?? buildImages(engine, options, context);
}

async function buildImages(engine: Engine, options: ImageOptions, context: ProviderContext): Promise<LabImages> {
  const runtime = await buildRuntime(engine, options, context);
  const build = async (name: string): Promise<string> => {
    const folder = join(options.imagesFolder, name);
    const content = shortHash(`${runtime} ${await hashOfFolder(folder)}`);
    const tag = `slipway/${name}:${VERSION}-${content}`;
    await ensureImage(engine, { tag, folder, buildargs: { RUNTIME: runtime }, context });
    return tag;
  };
  const mesh = await build("mesh");
  const apps = await build("apps");
  return { mesh, apps };
}

/** The ground that both images share, so that its layers are built and loaded once: the base image with our Node.js. */
async function buildRuntime(engine: Engine, options: ImageOptions, context: ProviderContext): Promise<string> {
  const own = await canUseOwnNode(engine);
  const prepared = (await hasImage(engine, localBase)) ? localBase : undefined;
  const base = options.baseImage ?? prepared ?? (own ? publicBase.own : publicBase.other);
  const recipe = join(options.imagesFolder, "runtime");
  const node = own ? `${process.version} ${process.arch}` : "";
  const tag = `slipway/runtime:${shortHash(`${base} ${await idOf(engine, base)} ${node} ${await hashOfFolder(recipe)}`)}`;
  if (await hasImage(engine, tag)) return tag;
  const folder = await mkdtemp(join(tmpdir(), "slipway-runtime-"));
  try {
    await copyFile(join(recipe, "Dockerfile"), join(folder, "Dockerfile"));
    await mkdir(join(folder, "bin"));
    const program = join(folder, "bin/node");
    // A link costs nothing; it needs the same file system.
    if (own) await link(process.execPath, program).catch(() => copyFile(process.execPath, program));
    await ensureImage(engine, { tag, folder, buildargs: { BASE: base }, context });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return tag;
}

/** Whether the Node.js that runs this runs in the engine's containers too. */
async function canUseOwnNode({ docker }: Engine): Promise<boolean> {
  const { Architecture } = (await docker.info()) as { readonly Architecture?: string };
  const architectures: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };
  const isPlainNode = process.versions.electron === undefined;
  return process.platform === "linux" && isPlainNode && architectures[Architecture ?? ""] === process.arch;
}

async function idOf({ docker }: Engine, image: string): Promise<string> {
  const found = await docker
    .getImage(image)
    .inspect()
    .catch(() => undefined);
  return found?.Id ?? "";
}

interface Recipe {
  readonly tag: string;
  readonly folder: string;
  readonly buildargs: Readonly<Record<string, string>>;
  readonly context: ProviderContext;
}

interface BuildEvent {
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
}

async function ensureImage(engine: Engine, { tag, folder, buildargs, context }: Recipe): Promise<void> {
  if (await hasImage(engine, tag)) return;
  const { docker } = engine;
  context.signal.throwIfAborted();
  context.detail(`building ${tag}`);
  const stream = await docker.buildImage(
    { context: folder, src: await readdir(folder) },
    {
      t: tag,
      buildargs: { ...buildargs },
      labels: { [LABEL]: "true" },
      rm: true,
      forcerm: true,
      abortSignal: context.signal,
    },
  );
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const onEvent = ({ stream: text, status, error }: BuildEvent): void => {
      const line = (error ?? text ?? status ?? "").trim();
      if (line === "") return;
      lines.push(line);
      context.log(line);
      if (line.startsWith("Step ")) context.detail(`building ${tag.split(":")[0]}: ${line}`);
    };
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)), onEvent);
  }).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw diagnose(`building ${tag}`, [...lines, String(error)].join("\n"));
  });
  if (!(await hasImage(engine, tag)))
    throw new AppError("CLUSTER_START_FAILED", `the engine built no image ${tag}`, { detail: lines.join("\n") });
}

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
