import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { VERSION } from "#api/names.ts";
import type { ProviderContext } from "../provider.ts";
import type { Engine } from "./engine.ts";
import type { LabImages } from "./lab-images.ts";
import { type KindNode, runInNode } from "./nodes.ts";
import { saveImages } from "./saved-images.ts";

const containerd = ["ctr", "--namespace=k8s.io", "images"];
const CONTAINERD_MS = 60_000;
/** Kubernetes reads "slipway/mesh" as a name of Docker's registry. */
const inCluster = (reference: string): string => `docker.io/${reference}`;

/**
 * Brings the images from the engine into every node that lacks one. They are saved once, in one archive, so that the layers that
 * they share are sent once. They also get the plain names that manifests use.
 */
export async function loadImages(
  engine: Engine,
  nodes: readonly KindNode[],
  { images, context }: { readonly images: LabImages; readonly context: ProviderContext },
): Promise<void> {
  const { signal } = context;
  await Promise.all(nodes.map((node) => whenContainerdAnswers(node, signal)));
  const wanted = Object.values<string>({ ...images });
  const lacking = await Promise.all(nodes.map(async (node) => ((await lacksOne(node, wanted, signal)) ? [node] : [])));
  const targets = lacking.flat();
  if (targets.length > 0) await sendImages(engine, targets, { wanted, context });
  await Promise.all(nodes.flatMap((node) => wanted.map((reference) => tagPlainly(node, reference, signal))));
}

/** A node that has just been made runs before its containerd does. Throws what went wrong last when it never answers. */
async function whenContainerdAnswers(node: KindNode, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + CONTAINERD_MS;
  for (;;) {
    try {
      await runInNode(node, { args: ["ctr", "version"], signal });
      return;
    } catch (error) {
      if (signal.aborted || Date.now() > deadline) throw error;
      await delay(200, undefined, { signal });
    }
  }
}

async function tagPlainly(node: KindNode, reference: string, signal: AbortSignal): Promise<void> {
  const plain = inCluster(`${reference.split(":")[0]}:${VERSION}`);
  await runInNode(node, { args: [...containerd, "tag", "--force", inCluster(reference), plain], signal });
}

async function lacksOne(node: KindNode, wanted: readonly string[], signal: AbortSignal): Promise<boolean> {
  const listed = (await runInNode(node, { args: [...containerd, "list", "--quiet"], signal })).split("\n");
  return wanted.some((reference) => !listed.includes(inCluster(reference)));
}

async function sendImages(
  engine: Engine,
  nodes: readonly KindNode[],
  { wanted, context }: { readonly wanted: readonly string[]; readonly context: ProviderContext },
): Promise<void> {
  const { signal } = context;
  const archive = await saveImages(engine, wanted, signal);
  const pipes: NodeJS.WritableStream[] = [];
  let allConnected: () => void = () => {};
  const connected = new Promise<void>((resolve) => {
    allConnected = resolve;
  });
  let sent: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    sent = resolve;
  });
  const imports = nodes.map((node) =>
    runInNode(node, {
      args: [...containerd, "import", "--snapshotter=overlayfs", "-"],
      signal,
      input: (stdin) => {
        pipes.push(stdin);
        if (pipes.length === nodes.length) allConnected();
        return done;
      },
    }),
  );
  const pump = async (): Promise<void> => {
    await connected;
    let bytes = 0;
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      await Promise.all(pipes.map((pipe) => write(pipe, chunk)));
      const before = bytes;
      bytes += chunk.length;
      if (Math.floor(before / 2e7) !== Math.floor(bytes / 2e7))
        context.detail(`loading images: ${Math.round(bytes / 1e6)} MB`);
    }
    context.detail("unpacking images");
    sent();
  };
  try {
    await Promise.race([Promise.all([pump(), ...imports]), Promise.all(imports)]);
  } finally {
    // After a failure the others must not wait for the rest of the archive.
    (archive as Readable).destroy();
    sent();
  }
  context.log(`loaded ${wanted.join(", ")} into ${nodes.map(({ name }) => name).join(", ")}`);
}

/** Resolves when the stream can take more, or has gone: then its command tells why. */
function write(stream: NodeJS.WritableStream, chunk: Buffer): Promise<void> {
  if (!stream.writable || stream.write(chunk)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"] as const) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"] as const) stream.on(event, done);
  });
}
