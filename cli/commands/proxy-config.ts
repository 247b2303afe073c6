import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { stringify } from "yaml";
import { AppError } from "#api/errors.ts";
import type { ProxyConfigPart } from "#api/rpc/contract.ts";
import { connectHost } from "../host-process.ts";
import { secretsTable } from "../proxy-config/secrets.ts";
import { clustersTable, endpointsTable, listenersTable, routesTable } from "../proxy-config/tables.ts";
import { resolvePod } from "../resolve-pod.ts";

interface Options {
  readonly output: string;
  readonly namespace: string;
  readonly file?: string;
  readonly name?: string;
  readonly cluster?: string;
}

interface Part {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly part: ProxyConfigPart;
  readonly about: string;
  /** Undefined where only JSON and YAML make sense. */
  readonly table: ((dump: unknown, options: Options) => string) | undefined;
}

const parts: readonly Part[] = [
  { name: "cluster", aliases: ["clusters", "c"], part: "clusters", about: "clusters", table: clustersTable },
  { name: "endpoint", aliases: ["endpoints", "ep"], part: "endpoints", about: "endpoints", table: endpointsTable },
  { name: "listener", aliases: ["listeners", "l"], part: "listeners", about: "listeners", table: listenersTable },
  { name: "route", aliases: ["routes", "r"], part: "routes", about: "routes", table: routesTable },
  {
    name: "secret",
    aliases: ["secrets", "s"],
    part: "secrets",
    about: "certificates, without their keys",
    table: (dump) => secretsTable(dump),
  },
  { name: "bootstrap", aliases: ["b"], part: "bootstrap", about: "the bootstrap", table: undefined },
  { name: "all", aliases: ["a"], part: "all", about: "everything", table: undefined },
];

export function addProxyConfig(program: Command): void {
  const group = program
    .command("proxy-config")
    .alias("pc")
    .description("what a proxy was told: clusters, listeners, routes, endpoints");
  for (const part of parts) {
    group
      .command(`${part.name} [pod]`)
      .aliases([...part.aliases])
      .description(`${part.about} of a proxy, named POD, POD.NAMESPACE or TYPE/NAME`)
      .option("-o, --output <format>", "short, json or yaml", part.table === undefined ? "json" : "short")
      .option("-n, --namespace <namespace>", "namespace of the pod", "default")
      .option("-f, --file <file>", "read a configuration dump from a file instead")
      .option("--name <name>", "only this route configuration")
      .option("--cluster <name>", "only endpoints of this cluster")
      .action(async (pod: string | undefined, options: Options) => {
        const dump = await load(part, pod, options);
        console.log(render(part, dump, options));
      });
  }
}

async function load(part: Part, pod: string | undefined, options: Options): Promise<unknown> {
  if (options.file !== undefined) return parseFile(options.file);
  if (pod === undefined) throw new AppError("BAD_REQUEST", "name a pod, or a file with --file");
  const { rpc } = await connectHost();
  try {
    const target = await resolvePod(await rpc.call("pods.list", {}), pod, options.namespace);
    return (await rpc.call("proxy.config", { ...target, part: part.part })).json;
  } finally {
    rpc.close();
  }
}

async function parseFile(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new AppError("BAD_REQUEST", `${file} is not a configuration dump: ${(cause as Error).message}`, { cause });
  }
}

function render(part: Part, dump: unknown, options: Options): string {
  switch (options.output) {
    case "json":
      return JSON.stringify(dump, null, 2);
    case "yaml":
      return stringify(dump).trimEnd();
    case "short":
      if (part.table !== undefined) return part.table(dump, options);
      throw new AppError("BAD_REQUEST", `proxy-config ${part.name} can be printed as json or yaml`);
    default:
      throw new AppError("BAD_REQUEST", `unknown output format "${options.output}": use short, json or yaml`);
  }
}
