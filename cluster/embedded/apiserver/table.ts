import type { IncomingMessage } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, type Json, type JsonObject } from "../machinery/json.ts";
import { isCustom } from "./custom-kinds.ts";
import { bucketOf, type Kind } from "./kinds.ts";

interface Column {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  /** 1 and more only with -o wide. */
  readonly priority?: number;
  readonly value: (object: ApiObject) => Json;
}

export const wantsTable = (request: IncomingMessage): boolean => (request.headers.accept ?? "").includes("as=Table");

/** What `kubectl get` prints. Columns as Kubernetes has them. */
export function tableOf(kind: Kind, objects: readonly ApiObject[], metadata: object): unknown {
  const columns = [
    nameColumn,
    ...(isCustom(kind) ? customColumns(kind.columns) : (columnsOf[bucketOf(kind)] ?? [])),
    ...(hasAge(kind) ? [ageColumn] : []),
    ...(wideOf[bucketOf(kind)] ?? []),
  ];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: columns.map(({ name, type = "string", format = "", priority = 0 }) => ({
      name,
      type,
      format: name === "Name" ? "name" : format,
      description: "",
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.value(object)),
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    })),
  };
}

const text = (value: Json | undefined, otherwise = "<none>"): string =>
  value === undefined || value === null || value === "" ? otherwise : String(value);
const nameColumn: Column = { name: "Name", value: ({ metadata }) => metadata.name ?? "" };
const ageColumn: Column = { name: "Age", value: ({ metadata }) => age(metadata.creationTimestamp) };
const hasAge = (kind: Kind): boolean =>
  isCustom(kind) ? !kind.columns.some((column) => column.name === "Age") : bucketOf(kind) !== "/events";

/** As kubectl shortens durations. */
export function age(since: string | undefined, now: number = Date.now()): string {
  if (since === undefined) return "<unknown>";
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

function customColumns(columns: readonly JsonObject[]): readonly Column[] {
  return columns.map((column) => ({
    name: asString(column.name),
    type: asString(column.type) || "string",
    priority: typeof column.priority === "number" ? column.priority : 0,
    value: (object) => {
      const value = readPath(object, asString(column.jsonPath));
      if (column.type === "date") return age(typeof value === "string" ? value : undefined);
      return value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : value;
    },
  }));
}

/** The simple paths that printer columns use, such as .spec.hosts or .status.conditions[?(@.type=="Ready")].status. */
function readPath(object: ApiObject, path: string): Json | undefined {
  let current: Json | undefined = object as JsonObject;
  for (const [, name, key, wanted, index] of path.matchAll(/\.([\w-]+)|\[\?\(@\.(\w+)=="([^"]*)"\)\]|\[(\d+)\]/g)) {
    if (name !== undefined) current = asObject(current)[name];
    else if (key !== undefined) current = asArray(current).find((item) => asObject(item)[key] === wanted);
    else current = asArray(current)[Number(index)];
  }
  return current;
}

const status = (object: ApiObject): JsonObject => asObject(object.status);
const spec = (object: ApiObject): JsonObject => asObject(object.spec);
const of = (name: string, value: (object: ApiObject) => Json, more: Partial<Column> = {}): Column => ({
  name,
  value,
  ...more,
});
const ports = (object: ApiObject): string =>
  asArray(spec(object).ports)
    .map(asObject)
    .map(
      ({ port, nodePort, protocol }) =>
        `${String(port)}${nodePort === undefined ? "" : `:${String(nodePort)}`}/${String(protocol)}`,
    )
    .join(",");

function podState(pod: ApiObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  for (const container of [
    ...asArray(status(pod).initContainerStatuses),
    ...asArray(status(pod).containerStatuses),
  ].map(asObject)) {
    const state = asObject(container.state);
    const reason =
      asString(asObject(state.waiting).reason) ||
      (asObject(state.terminated).exitCode ? asString(asObject(state.terminated).reason) : "");
    if (reason !== "" && reason !== "PodInitializing") return reason;
  }
  return text(status(pod).reason, text(status(pod).phase, "Pending"));
}

const podContainers = (pod: ApiObject): readonly JsonObject[] => {
  const sidecars = new Set(
    asArray(spec(pod).initContainers)
      .map(asObject)
      .filter((container) => container.restartPolicy === "Always")
      .map((container) => container.name),
  );
  return [
    ...asArray(status(pod).containerStatuses).map(asObject),
    ...asArray(status(pod).initContainerStatuses)
      .map(asObject)
      .filter((container) => sidecars.has(container.name)),
  ];
};
const podTotal = (pod: ApiObject): number =>
  asArray(spec(pod).containers).length +
  asArray(spec(pod).initContainers).filter((container) => asObject(container).restartPolicy === "Always").length;

const columnsOf: Readonly<Record<string, readonly Column[]>> = {
  "/pods": [
    of(
      "Ready",
      (pod) => `${podContainers(pod).filter((container) => container.ready === true).length}/${podTotal(pod)}`,
    ),
    of("Status", podState),
    of(
      "Restarts",
      (pod) => podContainers(pod).reduce((sum, container) => sum + Number(container.restartCount ?? 0), 0),
      { type: "integer" },
    ),
  ],
  "/services": [
    of("Type", (object) => text(spec(object).type)),
    of("Cluster-IP", (object) => text(spec(object).clusterIP)),
    of("External-IP", (object) => {
      const addresses = asArray(asObject(status(object).loadBalancer).ingress).map((one) =>
        text(asObject(one).ip, text(asObject(one).hostname)),
      );
      return addresses.length > 0 ? addresses.join(",") : spec(object).type === "LoadBalancer" ? "<pending>" : "<none>";
    }),
    of("Port(s)", ports),
  ],
  "/namespaces": [of("Status", (object) => text(status(object).phase))],
  "/nodes": [
    of(
      "Status",
      (node) =>
        (asArray(status(node).conditions)
          .map(asObject)
          .some(({ type, status: value }) => type === "Ready" && value === "True")
          ? "Ready"
          : "NotReady") + (spec(node).unschedulable ? ",SchedulingDisabled" : ""),
    ),
    of("Roles", () => "control-plane"),
  ],
  "/configmaps": [
    of(
      "Data",
      (object) => Object.keys(asObject(object.data)).length + Object.keys(asObject(object.binaryData)).length,
      { type: "integer" },
    ),
  ],
  "/secrets": [
    of("Type", (object) => text(object.type)),
    of("Data", (object) => Object.keys(asObject(object.data)).length, { type: "integer" }),
  ],
  "/serviceaccounts": [of("Secrets", (object) => asArray(object.secrets).length, { type: "integer" })],
  "/events": [
    of("Last Seen", (object) =>
      age(asString(object.lastTimestamp) || asString(object.eventTime) || object.metadata.creationTimestamp),
    ),
    of("Type", (object) => text(object.type)),
    of("Reason", (object) => text(object.reason)),
    of(
      "Object",
      (object) =>
        `${text(asObject(object.involvedObject).kind).toLowerCase()}/${text(asObject(object.involvedObject).name)}`,
    ),
    of("Message", (object) => text(object.message, "")),
  ],
  "apps/deployments": [
    of("Ready", (object) => `${String(status(object).readyReplicas ?? 0)}/${String(spec(object).replicas ?? 0)}`),
    of("Up-to-date", (object) => Number(status(object).updatedReplicas ?? 0), { type: "integer" }),
    of("Available", (object) => Number(status(object).availableReplicas ?? 0), { type: "integer" }),
  ],
  "apps/replicasets": [
    of("Desired", (object) => Number(spec(object).replicas ?? 0), { type: "integer" }),
    of("Current", (object) => Number(status(object).replicas ?? 0), { type: "integer" }),
    of("Ready", (object) => Number(status(object).readyReplicas ?? 0), { type: "integer" }),
  ],
  "apps/daemonsets": [
    of("Desired", (object) => Number(status(object).desiredNumberScheduled ?? 0), { type: "integer" }),
    of("Current", (object) => Number(status(object).currentNumberScheduled ?? 0), { type: "integer" }),
    of("Ready", (object) => Number(status(object).numberReady ?? 0), { type: "integer" }),
  ],
  "discovery.k8s.io/endpointslices": [
    of("AddressType", (object) => text(object.addressType)),
    of(
      "Ports",
      (object) =>
        asArray(object.ports)
          .map((port) => String(asObject(port).port))
          .join(",") || "<unset>",
    ),
    of(
      "Endpoints",
      (object) =>
        asArray(object.endpoints)
          .flatMap((endpoint) => asArray(asObject(endpoint).addresses).map(String))
          .join(",") || "<unset>",
    ),
  ],
};

const wideOf: Readonly<Record<string, readonly Column[]>> = {
  "/pods": [
    of("IP", (pod) => text(status(pod).podIP), { priority: 1 }),
    of("Node", (pod) => text(spec(pod).nodeName), { priority: 1 }),
  ],
  "/services": [
    of(
      "Selector",
      (object) =>
        Object.entries(asObject(spec(object).selector))
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(",") || "<none>",
      { priority: 1 },
    ),
  ],
};
