import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type JsonObject } from "../../machinery/json.ts";
import {
  age,
  type Column,
  column,
  count,
  duration,
  integer,
  labelText,
  selectorText,
  specOf,
  statusOf,
  text,
  wide,
} from "./column.ts";

const podSpecOf = (object: ApiObject): JsonObject => {
  const { template, jobTemplate } = specOf(object);
  const inner = jobTemplate === undefined ? template : asObject(asObject(jobTemplate).spec).template;
  return asObject(asObject(inner).spec);
};
const ofContainers = (field: string) => (object: ApiObject) =>
  asArray(podSpecOf(object).containers)
    .map((container) => asString(asObject(container)[field]))
    .join(",");
const containers: readonly Column[] = [wide("Containers", ofContainers("name")), wide("Images", ofContainers("image"))];
const selector = wide("Selector", (object) => selectorText(specOf(object).selector));
const number = (field: string) => (object: ApiObject) => count(statusOf(object)[field]);
const wanted = (object: ApiObject): number => count(specOf(object).replicas ?? 1);

function jobState(job: ApiObject): string {
  const conditions = asArray(statusOf(job).conditions)
    .map(asObject)
    .filter(({ status }) => status === "True")
    .map(({ type }) => type);
  if (conditions.includes("Complete")) return "Complete";
  if (conditions.includes("Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  if (conditions.includes("Suspended")) return "Suspended";
  if (conditions.includes("FailureTarget")) return "FailureTarget";
  return conditions.includes("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function completions(job: ApiObject): string {
  const { completions: all, parallelism } = specOf(job);
  const done = count(statusOf(job).succeeded);
  if (typeof all === "number") return `${done}/${all}`;
  return count(parallelism) > 1 ? `${done}/1 of ${count(parallelism)}` : `${done}/1`;
}

function jobDuration(job: ApiObject): string {
  const { startTime, completionTime } = statusOf(job);
  if (typeof startTime !== "string") return "";
  return typeof completionTime === "string"
    ? duration(Date.parse(completionTime) - Date.parse(startTime))
    : age(startTime);
}

/** Columns before and after the age. */
export const workloadColumns: Readonly<Record<string, readonly [readonly Column[], readonly Column[]]>> = {
  "apps/deployments": [
    [
      column("Ready", (object) => `${count(statusOf(object).readyReplicas)}/${wanted(object)}`),
      column("Up-to-date", number("updatedReplicas")),
      column("Available", number("availableReplicas")),
    ],
    [...containers, selector],
  ],
  "apps/replicasets": [
    [integer("Desired", wanted), integer("Current", number("replicas")), integer("Ready", number("readyReplicas"))],
    [...containers, selector],
  ],
  "apps/daemonsets": [
    [
      integer("Desired", number("desiredNumberScheduled")),
      integer("Current", number("currentNumberScheduled")),
      integer("Ready", number("numberReady")),
      integer("Up-to-date", number("updatedNumberScheduled")),
      integer("Available", number("numberAvailable")),
      column("Node Selector", (object) => labelText(podSpecOf(object).nodeSelector)),
    ],
    [...containers, selector],
  ],
  "apps/statefulsets": [
    [column("Ready", (object) => `${count(statusOf(object).readyReplicas)}/${wanted(object)}`)],
    containers,
  ],
  "apps/controllerrevisions": [
    [
      column("Controller", (object) => {
        const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
        if (owner === undefined) return "<none>";
        const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
        return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
      }),
      column("Revision", (object) => count(object.revision)),
    ],
    [],
  ],
  "batch/jobs": [
    [column("Status", jobState), column("Completions", completions), column("Duration", jobDuration)],
    [...containers, selector],
  ],
  "batch/cronjobs": [
    [
      column("Schedule", (object) => text(specOf(object).schedule)),
      column("Timezone", (object) => text(specOf(object).timeZone)),
      column("Suspend", (object) => (specOf(object).suspend === true ? "True" : "False"), { type: "boolean" }),
      integer("Active", (object) => asArray(statusOf(object).active).length),
      column("Last Schedule", (object) => {
        const { lastScheduleTime } = statusOf(object);
        return typeof lastScheduleTime === "string" ? age(lastScheduleTime) : "<none>";
      }),
    ],
    [
      ...containers,
      wide("Selector", (object) => selectorText(asObject(asObject(specOf(object).jobTemplate).spec).selector)),
    ],
  ],
};
