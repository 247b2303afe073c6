import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, isObject, type JsonObject } from "../machinery/json.ts";
import type { Store } from "../store/store.ts";
import { forbiddenObject } from "./status.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What Kubernetes' service account admission does: the default account, and its token in every container. Changes the pod. */
export function admitPod(pod: ApiObject, store: Store): void {
  const spec = asObject(pod.spec);
  const namespace = pod.metadata.namespace ?? "";
  if (typeof spec.serviceAccountName !== "string" || spec.serviceAccountName === "")
    spec.serviceAccountName = "default";
  spec.serviceAccount = spec.serviceAccountName;
  const account = store.get({ bucket: "/serviceaccounts", namespace, name: String(spec.serviceAccountName) });
  if (account === undefined)
    throw forbiddenObject(
      { group: "", resource: "pods" },
      pod.metadata.name ?? "",
      `error looking up service account ${namespace}/${String(spec.serviceAccountName)}: serviceaccount "${String(spec.serviceAccountName)}" not found`,
    );
  tolerateTrouble(spec);
  setPriority(pod, spec, store);
  if ((spec.automountServiceAccountToken ?? account.automountServiceAccountToken) === false) return;
  const containers = [...asArray(spec.containers), ...asArray(spec.initContainers)].filter(isObject);
  if (asArray(spec.volumes).some((volume) => asObject(volume).name === volumeName(pod))) return;
  const lacking = containers.filter(
    (container) => !asArray(container.volumeMounts).some((mount) => asObject(mount).mountPath === MOUNT_PATH),
  );
  if (lacking.length === 0) return;
  for (const container of lacking)
    container.volumeMounts = [
      ...asArray(container.volumeMounts),
      { name: volumeName(pod), readOnly: true, mountPath: MOUNT_PATH },
    ];
  spec.volumes = [...asArray(spec.volumes), tokenVolume(volumeName(pod))];
}

/** A node in trouble keeps a pod for five minutes, unless the pod says something else. */
function tolerateTrouble(spec: JsonObject): void {
  const said = asArray(spec.tolerations).map(asObject);
  const missing = ["not-ready", "unreachable"]
    .map((name) => `node.kubernetes.io/${name}`)
    .filter((key) => !said.some((one) => (one.key ?? key) === key && (one.effect ?? "NoExecute") === "NoExecute"));
  if (missing.length === 0) return;
  const added = missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  spec.tolerations = [...asArray(spec.tolerations), ...added];
}

/** By the pod's class, else the class that is the default, else none. */
function setPriority(pod: ApiObject, spec: JsonObject, store: Store): void {
  const bucket = "scheduling.k8s.io/priorityclasses";
  const name = asString(spec.priorityClassName);
  const found =
    name === ""
      ? store.list(bucket).find((one) => one.globalDefault === true)
      : store.get({ bucket, namespace: "", name });
  if (found === undefined && name !== "")
    throw forbiddenObject(
      { group: "", resource: "pods" },
      pod.metadata.name ?? "",
      `no PriorityClass with name ${name} was found`,
    );
  if (found !== undefined) spec.priorityClassName = found.metadata.name ?? "";
  spec.priority = found?.value ?? 0;
  spec.preemptionPolicy ??= found?.preemptionPolicy ?? "PreemptLowerPriority";
}

/** The same for a pod whenever it is asked: a webhook in between must not bring a second one. */
const volumeName = (pod: ApiObject): string => `kube-api-access-${(pod.metadata.uid ?? "").slice(0, 5)}`;

function tokenVolume(name: string): JsonObject {
  return {
    name,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    },
  };
}
