import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import type Docker from "dockerode";
import { AppError } from "#api/errors.ts";
import type { Engine } from "./engine.ts";

/** A node of a kind cluster: a container of the engine. */
export interface KindNode {
  readonly name: string;
  /** As kind calls it. */
  readonly cluster: string;
  readonly id: string;
  readonly role: string;
  readonly running: boolean;
  readonly container: Docker.Container;
}

const CLUSTER_LABEL = "io.x-k8s.kind.cluster";
const ROLE_LABEL = "io.x-k8s.kind.role";

/** The nodes of a cluster, control plane first; none if there is no such cluster. */
export const listNodes = (engine: Engine, cluster: string): Promise<readonly KindNode[]> =>
  find(engine, `${CLUSTER_LABEL}=${cluster}`);

/** The nodes of every kind cluster of the engine, whoever made it. */
export const listAllNodes = (engine: Engine): Promise<readonly KindNode[]> => find(engine, CLUSTER_LABEL);

async function find({ docker }: Engine, label: string): Promise<readonly KindNode[]> {
  const containers = await docker.listContainers({ all: true, filters: { label: [label] } });
  return containers
    .map(({ Id, Names, Labels, State }) => ({
      name: Names[0]?.replace(/^\//, "") ?? Id,
      cluster: Labels[CLUSTER_LABEL] ?? "",
      id: Id,
      role: Labels[ROLE_LABEL] ?? "",
      running: State === "running",
      container: docker.getContainer(Id),
    }))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

const rank = ({ role }: { readonly role: string }): number => (role === "control-plane" ? 0 : 1);

/** Port of 127.0.0.1 that is mapped to a port of the node. */
export async function mappedPort({ container }: KindNode, port: number): Promise<number | undefined> {
  const { HostConfig } = await container.inspect();
  const bindings = (HostConfig.PortBindings ?? {}) as Readonly<
    Record<string, readonly { readonly HostPort?: string }[] | undefined>
  >;
  const [binding] = bindings[`${port}/tcp`] ?? [];
  return binding?.HostPort === undefined ? undefined : Number(binding.HostPort);
}

export interface NodeCommand {
  readonly args: readonly string[];
  readonly signal?: AbortSignal;
  /** Writes the command's standard input and resolves when all is written. */
  readonly input?: (stdin: NodeJS.WritableStream) => Promise<void>;
}

/** Runs a command in a node and returns what it wrote. Throws when it fails. */
export async function runInNode(node: KindNode, { args, signal, input }: NodeCommand): Promise<string> {
  const exec = await node.container.exec({
    Cmd: [...args],
    AttachStdin: input !== undefined,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: input !== undefined, ...(signal && { abortSignal: signal }) });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [textOf(stdout), textOf(stderr)] as const;
  node.container.modem.demuxStream(stream, stdout, stderr);
  const onAbort = (): void => void stream.destroy();
  signal?.addEventListener("abort", onAbort);
  try {
    const ended = finished(stream, { writable: false }).catch(() => {});
    if (input !== undefined) {
      await input(stream);
      stream.end();
    }
    await ended;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stdout.end();
    stderr.end();
  }
  signal?.throwIfAborted();
  const [out, error] = await Promise.all(texts);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0)
    throw new AppError("CLUSTER_START_FAILED", `${args[0]} in node ${node.name} ended with ${ExitCode}`, {
      detail: error,
    });
  return out;
}

async function textOf(stream: PassThrough): Promise<string> {
  let text = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString("utf8");
  return text;
}
