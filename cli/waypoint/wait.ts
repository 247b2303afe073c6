import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#api/errors.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { keyOf, programmedOf, type WaypointGateway } from "./gateway.ts";

const POLL_MS = 250;

/** Waits until a waypoint is programmed, and returns it as it is then. Throws TIMEOUT with what it waited for, NOT_FOUND if it goes. */
export async function whenProgrammed(
  client: KubeClient,
  gateway: WaypointGateway,
  timeoutMs: number,
): Promise<WaypointGateway> {
  const { namespace = "", name = "" } = gateway.metadata;
  const end = Date.now() + timeoutMs;
  for (;;) {
    const live = await client.get<WaypointGateway>(resources.kubernetesGateways, { namespace, name });
    if (live === undefined) throw new AppError("NOT_FOUND", `waypoint ${namespace}/${name} is gone`);
    const condition = programmedOf(live);
    if (condition?.status === "True") return live;
    if (Date.now() > end)
      throw new AppError(
        "TIMEOUT",
        `waypoint ${keyOf(live)} is not ready: ${condition?.message ?? "nobody has taken it up"}`,
        {
          hint: `slipway kubectl -n ${namespace} get pods -l gateway.networking.k8s.io/gateway-name=${name}`,
        },
      );
    await delay(POLL_MS);
  }
}
