import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { defaultDefinition } from "../definitions/prepare.ts";
import { bucketOf, type Kind } from "../kinds.ts";
import { ensure, fill } from "./fill.ts";
import { ownPodSpec } from "./pods.ts";
import {
  autoscalerSpec,
  cronJobSpec,
  daemonSetSpec,
  deploymentSpec,
  jobDefaults,
  replicaSetSpec,
  statefulSetSpec,
} from "./workloads.ts";

const ofSpec =
  (apply: (spec: JsonObject) => void) =>
  (object: ApiObject): void => {
    if (isObject(object.spec)) apply(object.spec);
  };

const byBucket: Readonly<Record<string, (object: ApiObject) => void>> = {
  "/namespaces": ({ metadata }) => {
    metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name ?? "" };
  },
  "/pods": ofSpec(ownPodSpec),
  "/services": ofSpec(serviceSpec),
  "/secrets": (object) => {
    object.type ??= "Opaque";
    encodeStringData(object);
  },
  "/endpoints": (object) => {
    for (const subset of asArray(object.subsets)) portProtocols(asObject(subset).ports);
  },
  "/persistentvolumeclaims": ofSpec((spec) => fill(spec, { volumeMode: "Filesystem" })),
  "/persistentvolumes": ofSpec((spec) =>
    fill(spec, { volumeMode: "Filesystem", persistentVolumeReclaimPolicy: "Retain" }),
  ),
  "/limitranges": ofSpec((spec) => {
    for (const limit of asArray(spec.limits).filter(isObject)) {
      if (limit.type !== "Container") continue;
      if (isObject(limit.max)) fill(ensure(limit, "default"), limit.max);
      if (isObject(limit.default)) fill(ensure(limit, "defaultRequest"), limit.default);
    }
  }),
  "apps/deployments": ofSpec(deploymentSpec),
  "apps/replicasets": ofSpec(replicaSetSpec),
  "apps/daemonsets": ofSpec(daemonSetSpec),
  "apps/statefulsets": ofSpec(statefulSetSpec),
  "batch/jobs": jobDefaults,
  "batch/cronjobs": ofSpec(cronJobSpec),
  "discovery.k8s.io/endpointslices": (object) => {
    for (const port of asArray(object.ports).filter(isObject)) fill(port, { name: "", protocol: "TCP" });
  },
  "networking.k8s.io/networkpolicies": ofSpec(networkPolicySpec),
  "apiextensions.k8s.io/customresourcedefinitions": defaultDefinition,
  "autoscaling/horizontalpodautoscalers": ofSpec(autoscalerSpec),
  "scheduling.k8s.io/priorityclasses": (object) => fill(object, { preemptionPolicy: "PreemptLowerPriority" }),
  "storage.k8s.io/storageclasses": (object) =>
    fill(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  "rbac.authorization.k8s.io/rolebindings": bindingDefaults,
  "rbac.authorization.k8s.io/clusterrolebindings": bindingDefaults,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": (object) => {
    for (const webhook of asArray(object.webhooks).filter(isObject)) {
      webhookDefaults(webhook);
      fill(webhook, { reinvocationPolicy: "Never" });
    }
  },
  "admissionregistration.k8s.io/validatingwebhookconfigurations": (object) => {
    for (const webhook of asArray(object.webhooks).filter(isObject)) webhookDefaults(webhook);
  },
};

/** What Kubernetes fills in when it is not said. Changes the object. */
export function applyDefaults(kind: Kind, object: ApiObject): void {
  byBucket[bucketOf(kind)]?.(object);
}

function webhookDefaults(webhook: JsonObject): void {
  fill(webhook, {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
  const service = asObject(webhook.clientConfig).service;
  if (isObject(service)) fill(service, { port: 443 });
  for (const rule of asArray(webhook.rules).filter(isObject)) fill(rule, { scope: "*" });
}

function serviceSpec(spec: JsonObject): void {
  fill(spec, { type: "ClusterIP", sessionAffinity: "None" });
  if (spec.sessionAffinity === "ClientIP")
    fill(ensure(ensure(spec, "sessionAffinityConfig"), "clientIP"), { timeoutSeconds: 10_800 });
  if (spec.type === "ExternalName") {
    delete spec.internalTrafficPolicy;
  } else fill(spec, { internalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") fill(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer") fill(spec, { allocateLoadBalancerNodePorts: true });
  for (const port of asArray(spec.ports).filter(isObject))
    fill(port, { protocol: "TCP", ...(port.port === undefined ? {} : { targetPort: port.port }) });
}

function networkPolicySpec(spec: JsonObject): void {
  const rules = [...asArray(spec.ingress), ...asArray(spec.egress)].map(asObject);
  for (const { ports } of rules) portProtocols(ports);
  if (asArray(spec.policyTypes).length === 0)
    spec.policyTypes = ["Ingress", ...(asArray(spec.egress).length > 0 ? ["Egress"] : [])];
}

function portProtocols(ports: Json | undefined): void {
  for (const port of asArray(ports).filter(isObject)) fill(port, { protocol: "TCP" });
}

const RBAC_GROUP = "rbac.authorization.k8s.io";

function bindingDefaults(binding: ApiObject): void {
  if (isObject(binding.roleRef)) fill(binding.roleRef, { apiGroup: RBAC_GROUP });
  for (const subject of asArray(binding.subjects).filter(isObject))
    if (subject.kind === "User" || subject.kind === "Group") fill(subject, { apiGroup: RBAC_GROUP });
}

/** stringData is only for writing: it ends up in data. */
function encodeStringData(object: ApiObject): void {
  if (!isObject(object.stringData)) return;
  const encoded = Object.entries(object.stringData).map(([name, value]) => [
    name,
    Buffer.from(String(value)).toString("base64"),
  ]);
  object.data = { ...asObject(object.data), ...(Object.fromEntries(encoded) as JsonObject) };
  delete object.stringData;
}
