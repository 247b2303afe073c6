import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { labels } from "#api/names.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { withCluster } from "../cluster-client.ts";
import { keyOf, makeWaypoint, milliseconds, type WaypointGateway } from "./gateway.ts";
import { whenProgrammed } from "./wait.ts";

interface Options {
  readonly namespace: string;
  readonly name: string;
  readonly for?: string;
  readonly revision?: string;
  readonly wait?: boolean;
  readonly waypointTimeout: string;
  readonly enrollNamespace?: boolean;
  readonly overwrite?: boolean;
}

export function addApply(group: Command): void {
  group
    .command("apply")
    .description("create or change a waypoint")
    .option("--for <traffic>", "traffic that it takes: service (if not said), workload, all or none")
    .option("-r, --revision <revision>", "revision to label it with")
    .option("-w, --wait", "wait until it is ready")
    .option("--waypoint-timeout <duration>", "how long to wait", "90s")
    .option("--enroll-namespace", "put the namespace behind it")
    .option("--overwrite", "even if the namespace is behind another one")
    .action((_, command: Command) => withCluster((client) => apply(client, command.optsWithGlobals<Options>())));
}

async function apply(client: KubeClient, options: Options): Promise<void> {
  const gateway = makeWaypoint(options);
  const timeoutMs = milliseconds(options.waypointTimeout);
  const { namespace } = options;
  const home = await client.get<KubeObject>(resources.namespaces, { name: namespace });
  if (home === undefined) throw new AppError("NOT_FOUND", `there is no namespace ${namespace}`);
  const enrolled = home.metadata.labels?.[labels.useWaypoint];
  if (options.enrollNamespace === true && enrolled !== undefined && options.overwrite !== true) {
    console.log(`namespace ${namespace} is behind waypoint ${enrolled} already: add --overwrite to change that`);
    return;
  }
  if (options.enrollNamespace === true && home.metadata.labels?.[labels.dataplaneMode] !== "ambient")
    console.log(
      `namespace ${namespace} is not in ambient mode: slipway kubectl label namespace ${namespace} ${labels.dataplaneMode}=ambient`,
    );
  await client.apply<WaypointGateway>(resources.kubernetesGateways, gateway, { fieldManager: "istioctl" });
  console.log(`waypoint ${keyOf(gateway)} applied`);
  if (options.wait === true) {
    await whenProgrammed(client, gateway, timeoutMs);
    console.log(`waypoint ${keyOf(gateway)} is ready`);
  }
  if (options.enrollNamespace !== true) return;
  const label = { metadata: { labels: { [labels.useWaypoint]: gateway.metadata.name } } };
  await client.patch(resources.namespaces, { name: namespace }, label, { type: "merge" });
  console.log(`namespace ${namespace} labelled ${labels.useWaypoint}=${gateway.metadata.name}`);
}
