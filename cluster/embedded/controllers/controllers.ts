import type { Controller, ControllerContext } from "./context.ts";
import { startDaemonSets } from "./daemon-set.ts";
import { startDeployments } from "./deployment.ts";
import { startEndpointSlices } from "./endpoint-slice.ts";
import { startEndpoints } from "./endpoints.ts";
import { startGarbageCollector } from "./garbage-collector.ts";
import { startJobs } from "./job.ts";
import { startNamespaces } from "./namespace.ts";
import { startPodGc } from "./pod-gc.ts";
import { startReplicaSets } from "./replica-set.ts";
import { startScheduler } from "./scheduler.ts";
import { startStatefulSets } from "./stateful-set.ts";

/** Starts every controller. Each watches for itself; none waits for another. */
export function startControllers(context: ControllerContext): Controller {
  const controllers = [
    startNamespaces(context),
    startScheduler(context),
    startDeployments(context),
    startReplicaSets(context),
    startDaemonSets(context),
    startStatefulSets(context),
    startJobs(context),
    startEndpointSlices(context),
    startEndpoints(context),
    startGarbageCollector(context),
    startPodGc(context),
  ];
  return {
    stop: () => {
      for (const controller of controllers) controller.stop();
    },
  };
}
