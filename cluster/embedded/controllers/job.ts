import { isDeepStrictEqual } from "node:util";
import type { IJob } from "kubernetes-models/batch/v1/Job";
import type { IJobStatus } from "kubernetes-models/batch/v1/JobStatus";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { timestamp } from "../machinery/clock.ts";
import { coreV1, type ResourceType } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { type JobPlan, planJob } from "./job-plan.ts";
import { controllerOf, isControlledBy, keyOf, splitKey } from "./owners.ts";
import { createPod, deletePod } from "./pod-control.ts";
import { isActive, isReady } from "./pods.ts";
import { WorkQueue } from "./work-queue.ts";

type Job = IJob & KubeObject;

const jobType: ResourceType = { group: "batch", version: "v1", resource: "jobs" };
/** Milliseconds before the first pod after a failure, doubled with each further one. Source: Job API. */
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 360_000;

/** Runs pods until as many as asked for have succeeded. */
export function startJobs(context: ControllerContext): Controller {
  const { resources, clock, logger, events } = context;
  const jobs = watchCache<Job>(resources, jobType);
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const queue = new WorkQueue({ name: "job", clock, logger, retryMs: { first: 50, max: 1000 }, reconcile });
  /** Pods that were made but have not come back by the watch. */
  const coming = new Map<string, Set<string>>();

  jobs.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  pods.onChange(({ before, after }) => {
    const pod = (after ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind !== "Job") return;
    const key = `${pod.metadata.namespace}/${owner.name}`;
    coming.get(key)?.delete(pod.metadata.name ?? "");
    queue.add(key);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([jobs.synced, pods.synced]);
    const { namespace, name } = splitKey(key);
    const job = jobs.get(namespace, name);
    if (job === undefined) return void coming.delete(key);
    if (job.metadata.deletionTimestamp !== undefined) return;
    if (job.status?.conditions?.some(({ type, status }) => isEnd(type) && status === "True")) return expire(job, key);
    const owned = [...pods.all()].filter((pod) => isControlledBy(pod, job));
    const plan = planJob(stateOf(job, owned, coming.get(key)?.size ?? 0));
    await writeStatus(job, owned, plan);
    await carryOut(job, owned, plan);
  }

  function stateOf(job: Job, owned: readonly Pod[], expected: number): Parameters<typeof planJob>[0] {
    const { parallelism = 1, completions, backoffLimit = 6, suspend = false, activeDeadlineSeconds } = job.spec ?? {};
    const started = job.status?.startTime === undefined ? clock.now() : Date.parse(job.status.startTime);
    const timeLeft =
      activeDeadlineSeconds === undefined ? undefined : started + activeDeadlineSeconds * 1000 - clock.now();
    if (timeLeft !== undefined && timeLeft > 0) queue.addLater(keyOf(job), timeLeft);
    return {
      parallelism,
      completions,
      backoffLimit,
      suspended: suspend,
      timeLeft,
      active: owned.filter(isActive).length + expected,
      succeeded: owned.filter(({ status }) => status?.phase === "Succeeded").length,
      failed: failuresOf(owned),
    };
  }

  async function carryOut(job: Job, owned: readonly Pod[], plan: JobPlan): Promise<void> {
    const key = keyOf(job);
    const active = owned.filter(isActive);
    await Promise.all(active.slice(0, plan.remove).map((pod) => deletePod(context, job, pod)));
    const wait = plan.create === 0 ? 0 : retryWait(owned, clock.now());
    if (wait > 0) return queue.addLater(key, wait);
    const expected = coming.get(key) ?? new Set<string>();
    coming.set(key, expected);
    await Promise.all(
      Array.from({ length: plan.create }, async () => {
        const pod = await createPod(context, job, job.spec?.template ?? {});
        const podName = pod.metadata.name ?? "";
        if (pods.get(pod.metadata.namespace ?? "", podName) === undefined) expected.add(podName);
      }),
    );
  }

  async function writeStatus(job: Job, owned: readonly Pod[], plan: JobPlan): Promise<void> {
    const now = timestamp(clock.now());
    const active = owned.filter(isActive);
    const { finished } = plan;
    const status: IJobStatus = {
      startTime: job.status?.startTime ?? now,
      ready: active.filter(isReady).length,
      ...counts({
        active: finished === undefined ? active.length : 0,
        succeeded: owned.filter((pod) => pod.status?.phase === "Succeeded").length,
        failed: owned.filter((pod) => pod.status?.phase === "Failed").length,
      }),
      ...(finished && { conditions: conditionsOf(finished, now) }),
      ...(finished?.type === "Complete" && { completionTime: now }),
    };
    if (isDeepStrictEqual({ ...job.status }, status)) return;
    await resources.updateStatus<Job>(jobType, { ...job, status });
    if (finished === undefined) return;
    events.record(
      job,
      finished.type === "Complete"
        ? { type: "Normal", reason: "Completed", message: "Job completed" }
        : { type: "Warning", reason: finished.reason, message: finished.message },
    );
  }

  /** Deletes a finished Job when it has lain as long as it says. */
  async function expire(job: Job, key: string): Promise<void> {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    if (ttl === undefined) return;
    const end = job.status?.conditions?.find(({ type }) => isEnd(type))?.lastTransitionTime;
    const wait = Date.parse(end ?? "") + ttl * 1000 - clock.now();
    if (wait > 0) return queue.addLater(key, wait);
    await resources.delete(jobType, job.metadata.namespace, job.metadata.name ?? "", {
      propagationPolicy: "Background",
    });
  }

  return {
    stop: () => {
      queue.stop();
      jobs.close();
      pods.close();
    },
  };
}

const isEnd = (type: string): boolean => type === "Complete" || type === "Failed";

/** Failed pods, and restarts of containers in pods that stay. */
function failuresOf(owned: readonly Pod[]): number {
  return owned.reduce((sum, { spec, status }) => {
    if (status?.phase === "Failed") return sum + 1;
    if (spec?.restartPolicy !== "OnFailure") return sum;
    return sum + (status?.containerStatuses ?? []).reduce((restarts, { restartCount }) => restarts + restartCount, 0);
  }, 0);
}

/** Milliseconds until another pod may follow one that failed. */
function retryWait(owned: readonly Pod[], now: number): number {
  const failed = owned.filter(({ status }) => status?.phase === "Failed");
  if (failed.length === 0) return 0;
  const ends = failed.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? "")),
  );
  const last = Math.max(0, ...ends.filter(Number.isFinite));
  return last + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failed.length - 1)) - now;
}

function counts(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value > 0));
}

function conditionsOf(finished: NonNullable<JobPlan["finished"]>, now: string): NonNullable<IJobStatus["conditions"]> {
  const at = { status: "True", lastProbeTime: now, lastTransitionTime: now };
  if (finished.type === "Failed")
    return [{ type: "Failed", reason: finished.reason, message: finished.message, ...at }];
  return [
    {
      type: "SuccessCriteriaMet",
      reason: "CompletionsReached",
      message: "Reached expected number of succeeded pods",
      ...at,
    },
    { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods", ...at },
  ];
}
