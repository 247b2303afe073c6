import { createHash } from "node:crypto";
import { access, chmod, constants, mkdir, rename, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { AppError } from "#api/errors.ts";
import type { ProviderContext } from "../provider.ts";

/** The version that is downloaded where the PATH has none. */
export const KIND_VERSION = "v0.33.0";
const RELEASES = "https://github.com/kubernetes-sigs/kind/releases/download";
const DOWNLOAD_MS = 120_000;

export interface KindProgramOptions {
  /** Where a downloaded program is kept. */
  readonly binFolder: string;
  readonly path?: string | undefined;
  readonly releases?: string;
}

/** The kind program: on the PATH, downloaded before, or downloaded now and compared with its published checksum. */
export async function findKind(options: KindProgramOptions, context: ProviderContext): Promise<string> {
  const found = await onPath("kind", options.path ?? process.env.PATH);
  if (found !== undefined) return found;
  const kept = join(options.binFolder, `kind-${KIND_VERSION}`);
  if (await isProgram(kept)) return kept;
  return download(kept, options.releases ?? RELEASES, context);
}

/** The first program of this name in the folders of a PATH. */
export async function onPath(name: string, path = ""): Promise<string | undefined> {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  for (const folder of path.split(delimiter).filter(Boolean))
    if (await isProgram(join(folder, file))) return join(folder, file);
  return undefined;
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

async function download(target: string, releases: string, context: ProviderContext): Promise<string> {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const system = process.platform === "win32" ? "windows" : process.platform;
  const url = `${releases}/${KIND_VERSION}/kind-${system}-${architecture}`;
  context.detail(`downloading kind ${KIND_VERSION}`);
  context.log(`downloading ${url}`);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(DOWNLOAD_MS)]);
  const [program, checksum] = await Promise.all([
    get(url, signal).then((response) => response.arrayBuffer()),
    get(`${url}.sha256sum`, signal).then((response) => response.text()),
  ]).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw new AppError("TOOL_MISSING", "kind is not installed and cannot be downloaded", {
      cause: error,
      hint: "Install it (https://kind.sigs.k8s.io/docs/user/quick-start), so that `kind` is on the PATH.",
      detail: `${url}: ${error instanceof Error ? error.message : String(error)}`,
    });
  });
  const digest = createHash("sha256").update(Buffer.from(program)).digest("hex");
  const published = checksum.trim().split(/\s+/)[0];
  if (digest !== published)
    throw new AppError("TOOL_MISSING", `kind as downloaded is not what was published: its SHA-256 is ${digest}`, {
      detail: `${url}.sha256sum says ${published}`,
      hint: "Somebody between here and the release changes downloads; install kind yourself.",
    });
  await mkdir(join(target, ".."), { recursive: true, mode: 0o700 });
  await writeFile(`${target}.new`, Buffer.from(program));
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
  return target;
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
