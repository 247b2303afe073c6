import type { Controller, ControllerContext } from "./context.ts";
import { startDaemonSets } from "./daemon-set.ts";
import { startDeployments } from "./deployment.ts";
import { startEndpointSlices } from "./endpoint-slice.ts";
import { startGarbageCollector } from "./garbage-collector.ts";
import { startNamespaces } from "./namespace.ts";
import { startReplicaSets } from "./replica-set.ts";
import { startScheduler } from "./scheduler.ts";

/** Starts every controller. Each watches for itself; none waits for another. */
export function startControllers(context: ControllerContext): Controller {
  const controllers = [
    startNamespaces(context),
    startScheduler(context),
    startDeployments(context),
    startReplicaSets(context),
    startDaemonSets(context),
    startEndpointSlices(context),
    startGarbageCollector(context),
  ];
  return {
    stop: () => {
      for (const controller of controllers) controller.stop();
    },
  };
}
