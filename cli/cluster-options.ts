import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClusterDefinition, KindSettings } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import type { ProviderKind } from "#api/rpc/cluster.ts";
import { first, type RpcClient } from "./rpc-client.ts";

/** What a person may say about the cluster that a command is to work on or to make. */
export interface ClusterOptions {
  readonly cluster?: string;
  readonly provider?: ProviderKind;
  readonly nodes?: number;
  readonly zones?: readonly string[];
  readonly kubernetes?: string;
  readonly nodeImage?: string;
  readonly baseImage?: string;
  readonly kindConfig?: string;
  readonly nodeMemory?: number;
  readonly nodeCpus?: number;
  readonly map?: readonly { readonly host: number; readonly node: number }[];
  readonly kubeContext?: string;
  readonly kubeconfig?: string;
  readonly takeOver?: boolean;
}

const providers = ["embedded", "kind", "existing"] as const;

/** The options that choose a cluster: which one, or what kind of cluster to make if there is none. */
export function addClusterOptions(command: Command): Command {
  return addDefinitionOptions(command.option("--cluster <name>", "the cluster to use (default: the current one)"));
}

/** The options that define a cluster. */
export function addDefinitionOptions(command: Command): Command {
  return command
    .addOption(new Option("--provider <provider>", "where the cluster comes from").choices(providers))
    .option("--nodes <count>", "number of nodes (embedded, kind); more than one lie in zones of their own", count)
    .option("--zones <zones>", "a worker node in each of these zones, such as north-1,south-1", list)
    .option("--kubernetes <version>", "kind: version of Kubernetes, such as 1.36.3")
    .option("--node-image <image>", "kind: image of the nodes")
    .option("--base-image <image>", "kind: image that the mesh's and the applications' images are built on")
    .option("--kind-config <file>", "kind: a kind configuration that is laid over Slipway's")
    .option("--map <host:node>", "kind: port of 127.0.0.1 that leads to a node port; may be repeated", mapping, [])
    .option("--node-memory <megabytes>", "kind: what every node may use at most", positive)
    .option("--node-cpus <count>", "kind: processors that every node may use at most", positive)
    .option("--kube-context <context>", "existing: context of the kubeconfig")
    .option("--kubeconfig <file>", "existing: the kubeconfig (default: KUBECONFIG or ~/.kube/config)")
    .option("--take-over", "existing: install although another mesh is there");
}

/**
 * Finds the cluster that is meant, or defines it, makes it the current one, and returns its name. Without options that is the
 * current one; `--provider` alone takes a cluster of that provider if there is one.
 */
export async function chooseCluster(rpc: RpcClient, options: ClusterOptions): Promise<string> {
  const { clusters } = await first(rpc.stream("clusters", {}));
  const { cluster: name, provider } = options;
  const candidates = clusters.filter(
    (one) => (name ?? one.name) === one.name && (provider ?? one.provider) === one.provider,
  );
  const current = clusters.find((one) => one.current);
  if (name === undefined && provider === undefined) return current?.name ?? "default";
  const found = candidates.find((one) => one.current) ?? candidates[0];
  if (found === undefined && provider === undefined)
    throw new AppError("NOT_FOUND", `there is no cluster "${name}"`, {
      hint: `There are: ${clusters.map((one) => one.name).join(", ")}. Say --provider to make a new one.`,
    });
  const chosen = found?.name ?? name ?? defaultName(provider!);
  if (found === undefined)
    await rpc.call("cluster.create", { definition: await definitionOf(chosen, { ...options, provider: provider! }) });
  await rpc.call("cluster.select", { name: chosen });
  return chosen;
}

const defaultName = (provider: ProviderKind): string => (provider === "embedded" ? "default" : provider);

/** The definition that the options describe. Throws BAD_REQUEST for options of another provider. */
export async function definitionOf(
  name: string,
  options: ClusterOptions & { readonly provider: ProviderKind },
): Promise<ClusterDefinition> {
  const { provider, kubeContext, kubeconfig, takeOver } = options;
  const kind = await kindSettings(options);
  const isSet = (value: object): boolean => Object.keys(value).length > 0;
  if (provider !== "kind" && isSet(kind))
    throw new AppError("BAD_REQUEST", `${Object.keys(kind).join(", ")} can only be set for the provider kind`);
  const base: ClusterDefinition = { name, provider, zones: zonesOf(options) };
  if (provider === "kind") return isSet(kind) ? { ...base, kind } : base;
  if (provider === "embedded") return base;
  if (kubeContext === undefined)
    throw new AppError("BAD_REQUEST", "--kube-context is needed: which cluster is meant must not be guessed", {
      hint: "`kubectl config get-contexts` lists them.",
    });
  return {
    ...base,
    existing: { context: kubeContext, ...(kubeconfig && { kubeconfig }), ...(takeOver && { takeOver }) },
  };
}

async function kindSettings(options: ClusterOptions): Promise<KindSettings> {
  const { kubernetes, nodeImage, baseImage, kindConfig, nodeMemory: memoryMb, nodeCpus: cpus, map = [] } = options;
  const limits = { ...(memoryMb === undefined ? {} : { memoryMb }), ...(cpus === undefined ? {} : { cpus }) };
  return {
    ...(kubernetes === undefined ? {} : { kubernetesVersion: kubernetes.replace(/^v/, "") }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(nodeImage === undefined ? {} : { nodeImage }),
    ...(baseImage === undefined ? {} : { baseImage }),
    ...(kindConfig === undefined ? {} : { configPatch: await readFile(kindConfig, "utf8") }),
    ...(map.length === 0 ? {} : { ports: [...map] }),
  };
}

/** One node has no zone of its own; of several each has one. With kind one node more is the control plane. */
function zonesOf({ zones, nodes = 1, provider }: ClusterOptions): string[] {
  if (zones !== undefined) return [...zones];
  const workers = provider === "kind" ? nodes - 1 : nodes;
  return nodes === 1 ? [] : Array.from({ length: workers }, (_, index) => `local-${index + 1}`);
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 9) return number;
  throw new InvalidArgumentError("a number from 1 to 9 is expected");
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("a number above 0 is expected");
}

const list = (text: string): readonly string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);

function mapping(
  text: string,
  before: readonly { readonly host: number; readonly node: number }[],
): readonly { readonly host: number; readonly node: number }[] {
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("HOST:NODE is expected, such as 8080:30080");
  return [...before, { host: Number(match[1]), node: Number(match[2]) }];
}
