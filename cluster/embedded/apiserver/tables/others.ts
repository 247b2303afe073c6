import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type Json } from "../../machinery/json.ts";
import { age, type Column, column, count, integer, specOf, statusOf, text, wide } from "./column.ts";

const dataCount = (object: ApiObject): number =>
  Object.keys(asObject(object.data)).length + Object.keys(asObject(object.binaryData)).length;

function nodeState(node: ApiObject): string {
  const isReady = asArray(statusOf(node).conditions)
    .map(asObject)
    .some(({ type, status }) => type === "Ready" && status === "True");
  return (isReady ? "Ready" : "NotReady") + (specOf(node).unschedulable === true ? ",SchedulingDisabled" : "");
}

const ROLE = "node-role.kubernetes.io/";
const nodeRoles = ({ metadata }: ApiObject): string =>
  Object.keys(metadata.labels ?? {})
    .filter((label) => label.startsWith(ROLE))
    .map((label) => label.slice(ROLE.length))
    .sort()
    .join(",") || "<none>";
const nodeAddress = (type: string) => (node: ApiObject) =>
  text(asObject(asArray(statusOf(node).addresses).find((address) => asObject(address).type === type)).address);
const nodeInfo = (field: string) => (node: ApiObject) => text(asObject(statusOf(node).nodeInfo)[field], "<unknown>");

const subjects = (kind: string) => (object: ApiObject) =>
  asArray(object.subjects)
    .map(asObject)
    .filter((subject) => subject.kind === kind)
    .map(({ namespace, name }) =>
      kind === "ServiceAccount" ? `${asString(namespace)}/${asString(name)}` : asString(name),
    )
    .join(", ");
const bindingColumns: readonly [readonly Column[], readonly Column[]] = [
  [column("Role", ({ roleRef }) => `${asString(asObject(roleRef).kind)}/${asString(asObject(roleRef).name)}`)],
  [
    wide("Users", subjects("User")),
    wide("Groups", subjects("Group")),
    wide("ServiceAccounts", subjects("ServiceAccount")),
  ],
];

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const accessModes = (modes: Json | undefined): string =>
  asArray(modes)
    .map((mode) => shortModes[String(mode)] ?? String(mode))
    .join(",");
const storageClass = (object: ApiObject): string => text(specOf(object).storageClassName, "");
const webhooks: readonly [readonly Column[], readonly Column[]] = [
  [integer("Webhooks", (object) => asArray(object.webhooks).length)],
  [],
];

const quota = (field: "requests" | "limits") => (object: ApiObject) => {
  const { hard = {}, used = {} } = statusOf(object);
  return Object.keys(asObject(hard))
    .filter((name) => name.startsWith("limits.") === (field === "limits"))
    .sort()
    .map((name) => `${name}: ${text(asObject(used)[name], "0")}/${String(asObject(hard)[name])}`)
    .join(", ");
};

function target(metric: Json): string {
  const resource = asObject(asObject(metric).resource);
  const name = text(resource.name, asString(asObject(metric).type).toLowerCase());
  const { averageUtilization, averageValue, value } = asObject(resource.target);
  return `${name}: <unknown>/${averageUtilization === undefined ? text(averageValue ?? value) : `${count(averageUtilization)}%`}`;
}

/** Columns before and after the age. */
export const otherColumns: Readonly<Record<string, readonly [readonly Column[], readonly Column[]]>> = {
  "/namespaces": [[column("Status", (object) => text(statusOf(object).phase))], []],
  "/nodes": [
    [column("Status", nodeState), column("Roles", nodeRoles)],
    [
      column("Version", (node) => text(asObject(statusOf(node).nodeInfo).kubeletVersion, "")),
      wide("Internal-IP", nodeAddress("InternalIP")),
      wide("External-IP", nodeAddress("ExternalIP")),
      wide("OS-Image", nodeInfo("osImage")),
      wide("Kernel-Version", nodeInfo("kernelVersion")),
      wide("Container-Runtime", nodeInfo("containerRuntimeVersion")),
    ],
  ],
  "/configmaps": [[column("Data", dataCount)], []],
  "/secrets": [[column("Type", (object) => text(object.type)), column("Data", dataCount)], []],
  "/resourcequotas": [[column("Request", quota("requests")), column("Limit", quota("limits"))], []],
  "/persistentvolumeclaims": [
    [
      column("Status", (object) =>
        object.metadata.deletionTimestamp === undefined ? text(statusOf(object).phase, "Pending") : "Terminating",
      ),
      column("Volume", (object) => text(specOf(object).volumeName, "")),
      column("Capacity", (object) => text(asObject(statusOf(object).capacity).storage, "")),
      column("Access Modes", (object) => accessModes(statusOf(object).accessModes)),
      column("StorageClass", storageClass),
      column("VolumeAttributesClass", (object) => text(specOf(object).volumeAttributesClassName, "<unset>")),
    ],
    [wide("VolumeMode", (object) => text(specOf(object).volumeMode, "<unset>"))],
  ],
  "/persistentvolumes": [
    [
      column("Capacity", (object) => text(asObject(specOf(object).capacity).storage, "")),
      column("Access Modes", (object) => accessModes(specOf(object).accessModes)),
      column("Reclaim Policy", (object) => text(specOf(object).persistentVolumeReclaimPolicy, "")),
      column("Status", (object) => text(statusOf(object).phase, "")),
      column("Claim", (object) => {
        const { namespace, name } = asObject(specOf(object).claimRef);
        return name === undefined ? "" : `${asString(namespace)}/${asString(name)}`;
      }),
      column("StorageClass", storageClass),
      column("VolumeAttributesClass", (object) => text(specOf(object).volumeAttributesClassName, "<unset>")),
      column("Reason", (object) => text(statusOf(object).reason, "")),
    ],
    [wide("VolumeMode", (object) => text(specOf(object).volumeMode, "<unset>"))],
  ],
  "policy/poddisruptionbudgets": [
    [
      column("Min Available", (object) => text(specOf(object).minAvailable, "N/A")),
      column("Max Unavailable", (object) => text(specOf(object).maxUnavailable, "N/A")),
      integer("Allowed Disruptions", (object) => count(statusOf(object).disruptionsAllowed)),
    ],
    [],
  ],
  "autoscaling/horizontalpodautoscalers": [
    [
      column("Reference", (object) => {
        const { kind, name } = asObject(specOf(object).scaleTargetRef);
        return `${asString(kind)}/${asString(name)}`;
      }),
      column("Targets", (object) => asArray(specOf(object).metrics).map(target).join(", ") || "<none>"),
      column("MinPods", (object) => text(specOf(object).minReplicas, "<unset>")),
      column("MaxPods", (object) => count(specOf(object).maxReplicas)),
      column("Replicas", (object) => count(statusOf(object).currentReplicas)),
    ],
    [],
  ],
  "coordination.k8s.io/leases": [[column("Holder", (object) => text(specOf(object).holderIdentity, ""))], []],
  "scheduling.k8s.io/priorityclasses": [
    [
      integer("Value", (object) => count(object.value)),
      column("Global-Default", (object) => object.globalDefault === true, { type: "boolean" }),
    ],
    [column("PreemptionPolicy", (object) => text(object.preemptionPolicy, ""))],
  ],
  "storage.k8s.io/storageclasses": [
    [
      column("Provisioner", (object) => text(object.provisioner)),
      column("ReclaimPolicy", (object) => text(object.reclaimPolicy, "Delete")),
      column("VolumeBindingMode", (object) => text(object.volumeBindingMode, "<unset>")),
      column("AllowVolumeExpansion", (object) => object.allowVolumeExpansion === true),
    ],
    [],
  ],
  "rbac.authorization.k8s.io/rolebindings": bindingColumns,
  "rbac.authorization.k8s.io/clusterrolebindings": bindingColumns,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhooks,
  "certificates.k8s.io/certificatesigningrequests": [
    [],
    [
      column("SignerName", (object) => text(specOf(object).signerName)),
      column("Requestor", (object) => text(specOf(object).username, "")),
      column("RequestedDuration", (object) => text(specOf(object).expirationSeconds)),
      column(
        "Condition",
        (object) =>
          asArray(statusOf(object).conditions)
            .map((condition) => asString(asObject(condition).type))
            .join(",") || "Pending",
      ),
    ],
  ],
};

const since = (object: ApiObject, ...fields: readonly string[]): string => {
  const found = fields.map((field) => object[field]).find((value) => typeof value === "string" && value !== "");
  return typeof found === "string" ? age(found) : "<unknown>";
};

/** Events are about something else, and their own name matters least. */
export const eventColumns: readonly Column[] = [
  column("Last Seen", (object) => since(object, "lastTimestamp", "eventTime", "firstTimestamp")),
  column("Type", (object) => text(object.type, "")),
  column("Reason", (object) => text(object.reason, "")),
  column("Object", ({ involvedObject }) => {
    const { kind, name } = asObject(involvedObject);
    return `${asString(kind).toLowerCase()}/${asString(name)}`;
  }),
  wide("Subobject", ({ involvedObject }) => text(asObject(involvedObject).fieldPath, "")),
  wide("Source", ({ source, reportingComponent }) => {
    const { component, host } = asObject(source);
    const name = text(component, asString(reportingComponent));
    return text(host, "") === "" ? name : `${name}, ${String(host)}`;
  }),
  column("Message", (object) => asString(object.message).trim()),
  wide("First Seen", (object) => since(object, "firstTimestamp", "eventTime")),
  wide("Count", (object) => (typeof object.count === "number" ? object.count : 1)),
  { name: "Name", format: "name", priority: 1, value: ({ metadata }) => metadata.name ?? "" },
];
