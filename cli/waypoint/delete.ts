import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { labels } from "#api/names.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { withCluster } from "../cluster-client.ts";
import { listWaypoints } from "./gateway.ts";

interface Options {
  readonly namespace: string;
  readonly all?: boolean;
  readonly revision?: string;
}

export function addDelete(group: Command): void {
  group
    .command("delete [names...]")
    .description("delete waypoints: those named, all, or those of a revision")
    .option("--all", "all of the namespace")
    .option("-r, --revision <revision>", "those of this revision")
    .action((names: readonly string[], _, command: Command) =>
      withCluster((client) => remove(client, names, command.optsWithGlobals<Options>())),
    );
}

async function remove(client: KubeClient, names: readonly string[], options: Options): Promise<void> {
  const { namespace, all = false, revision } = options;
  const some = all || revision !== undefined;
  if (some && names.length > 0)
    throw new AppError("BAD_REQUEST", "name waypoints, or say --all or --revision: not both");
  if (!some && names.length === 0)
    throw new AppError("BAD_REQUEST", "say which waypoint to delete, or --all, or --revision");
  const found = await listWaypoints(client, {
    namespace,
    ...(revision === undefined ? {} : { labelSelector: `${labels.revision}=${revision}` }),
  });
  const present = found.map(({ metadata }) => metadata.name ?? "");
  const missing = names.filter((name) => !present.includes(name));
  for (const name of some ? present : names.filter((one) => present.includes(one))) {
    await client.delete(resources.kubernetesGateways, { namespace, name });
    console.log(`waypoint ${namespace}/${name} deleted`);
  }
  if (missing.length > 0)
    throw new AppError("NOT_FOUND", missing.map((name) => `waypoint ${namespace}/${name} not found`).join("; "));
}
