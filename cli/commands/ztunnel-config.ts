import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { stringify } from "yaml";
import { AppError } from "#api/errors.ts";
import { namespaces } from "#api/names.ts";
import { connectHost } from "../host-process.ts";
import { dumpSchema, type ZtunnelDump } from "../ztunnel-config/dump.ts";
import {
  certificatesTable,
  connectionsTable,
  type Filter,
  policiesTable,
  servicesTable,
  workloadsTable,
} from "../ztunnel-config/tables.ts";

interface Options {
  readonly output: string;
  readonly file?: string;
  readonly node?: string;
  readonly address?: string;
  readonly direction?: string;
  readonly workloadNamespace?: string;
  readonly serviceNamespace?: string;
  readonly policyNamespace?: string;
}

type Key = "workloads" | "services" | "policies" | "certificates" | "workloadState";

interface Part {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly key: Key;
  readonly about: string;
  readonly filters: readonly (readonly [flag: string, about: string])[];
  readonly table: (dump: ZtunnelDump, options: Options) => string;
}

const inNamespace = (kind: string) => [`--${kind}-namespace <namespace>`, `only of this namespace`] as const;
const node = ["--node <node>", "ask the ztunnel of this node"] as const;

const parts: readonly Part[] = [
  {
    name: "workload",
    aliases: ["w", "workloads"],
    key: "workloads",
    about: "workloads that it knows",
    filters: [inNamespace("workload"), ["--address <address>", "only with this address"]],
    table: (dump, { workloadNamespace, address }) => workloadsTable(dump, { namespace: workloadNamespace, address }),
  },
  {
    name: "service",
    aliases: ["services", "s", "svc"],
    key: "services",
    about: "services that it knows",
    filters: [inNamespace("service")],
    table: (dump, { serviceNamespace }) => servicesTable(dump, { namespace: serviceNamespace }),
  },
  {
    name: "policy",
    aliases: ["policies", "p", "pol"],
    key: "policies",
    about: "policies that it enforces",
    filters: [inNamespace("policy")],
    table: (dump, { policyNamespace }) => policiesTable(dump, { namespace: policyNamespace }),
  },
  {
    name: "certificate",
    aliases: ["certificates", "certs", "cert"],
    key: "certificates",
    about: "certificates that it holds for pods of its node",
    filters: [],
    table: (dump) => certificatesTable(dump, Date.now()),
  },
  {
    name: "connections",
    aliases: ["cons"],
    key: "workloadState",
    about: "connections that are open",
    filters: [inNamespace("workload"), ["--direction <direction>", "inbound or outbound"]],
    table: (dump, { workloadNamespace, direction }) =>
      connectionsTable(dump, { namespace: workloadNamespace, direction } satisfies Filter),
  },
];

export function addZtunnelConfig(program: Command): void {
  const group = program
    .command("ztunnel-config")
    .alias("zc")
    .description("what a ztunnel knows: workloads, services, policies, certificates, connections");
  for (const part of parts) {
    const command = withCommon(group.command(`${part.name} [pod]`).aliases([...part.aliases]), "short").description(
      `${part.about}, of the ztunnel named POD, else of the first`,
    );
    for (const [flag, about] of part.filters) command.option(flag, about);
    command.action(async (pod: string | undefined, options: Options) => {
      console.log(render(part, await load(pod, options), options));
    });
  }
  withCommon(group.command("all [pod]"), "json")
    .description("everything that a ztunnel knows")
    .action(async (pod: string | undefined, options: Options) => {
      const dump = await load(pod, options);
      if (options.output !== "short") return console.log(formatted(dump, options.output));
      const parsed = parse(dump);
      console.log(parts.map(({ table }) => table(parsed, options)).join("\n\n"));
    });
}

const withCommon = (command: Command, output: string): Command =>
  command
    .option("-o, --output <format>", "short, json or yaml", output)
    .option("-f, --file <file>", "read a configuration dump from a file instead")
    .option(...node);

async function load(pod: string | undefined, options: Options): Promise<unknown> {
  if (options.file !== undefined) return parseFile(options.file);
  const { rpc } = await connectHost();
  try {
    const pods = (await rpc.call("pods.list", {})).filter(
      ({ namespace, workload }) => namespace === namespaces.system && workload === "ztunnel",
    );
    const [name = "", namespace = namespaces.system] = (pod ?? "").split(".", 2);
    const found = pods.find(
      (one) =>
        (pod === undefined || (one.name === name && one.namespace === namespace)) &&
        (options.node === undefined || one.node === options.node),
    );
    if (found === undefined)
      throw new AppError(
        "NOT_FOUND",
        `there is no ztunnel ${pod ?? (options.node && `on ${options.node}`) ?? ""}`.trim(),
        {
          hint: `slipway kubectl -n ${namespaces.system} get pods -l app=ztunnel -o wide`,
        },
      );
    return (await rpc.call("proxy.config", { namespace: found.namespace, pod: found.name, part: "all" })).json;
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

function parse(dump: unknown): ZtunnelDump {
  const parsed = dumpSchema.safeParse(dump);
  if (parsed.success) return parsed.data;
  throw new AppError("BAD_REQUEST", `this is no configuration dump of a ztunnel: ${parsed.error.issues[0]?.message}`);
}

function render(part: Part, dump: unknown, options: Options): string {
  if (options.output === "short") return part.table(parse(dump), options);
  return formatted(parse(dump)[part.key], options.output);
}

function formatted(value: unknown, output: string): string {
  if (output === "json") return JSON.stringify(value, null, 2);
  if (output === "yaml") return stringify(value).trimEnd();
  throw new AppError("BAD_REQUEST", `unknown output format "${output}": use short, json or yaml`);
}
