import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, isObject, type JsonObject } from "../machinery/json.ts";
import type { Store } from "../store/store.ts";
import { forbidden } from "./status.ts";

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
    throw forbidden(
      `error looking up service account ${namespace}/${String(spec.serviceAccountName)}: serviceaccount "${String(spec.serviceAccountName)}" not found`,
    );
  if (spec.tolerations === undefined) {
    spec.tolerations = ["not-ready", "unreachable"].map((name) => ({
      key: `node.kubernetes.io/${name}`,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    }));
  }
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
