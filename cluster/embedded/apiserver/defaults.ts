import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, isObject, type JsonObject } from "../machinery/json.ts";
import { bucketOf, type Kind } from "./kinds.ts";

/** What Kubernetes fills in when it is not said, for the fields that kubectl, the controllers and the mesh look at. Changes the object. */
export function applyDefaults(kind: Kind, object: ApiObject): void {
  const spec = object.spec;
  switch (bucketOf(kind)) {
    case "/namespaces":
      object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name ?? "" };
      return;
    case "/pods":
      if (isObject(spec)) {
        podSpec(spec);
        fill(spec, { enableServiceLinks: true });
      }
      return;
    case "/services":
      if (isObject(spec)) serviceSpec(spec);
      return;
    case "/secrets":
      object.type ??= "Opaque";
      encodeStringData(object);
      return;
    case "apps/deployments":
      if (isObject(spec)) {
        fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
        const strategy = ensure(spec, "strategy");
        fill(strategy, { type: "RollingUpdate" });
        if (strategy.type === "RollingUpdate")
          fill(ensure(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
        template(spec);
      }
      return;
    case "apps/replicasets":
      if (isObject(spec)) {
        fill(spec, { replicas: 1 });
        template(spec);
      }
      return;
    case "apps/daemonsets":
      if (isObject(spec)) {
        fill(spec, { revisionHistoryLimit: 10 });
        const strategy = ensure(spec, "updateStrategy");
        fill(strategy, { type: "RollingUpdate" });
        if (strategy.type === "RollingUpdate")
          fill(ensure(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
        template(spec);
      }
      return;
    case "apps/statefulsets":
      if (isObject(spec)) {
        fill(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: "OrderedReady" });
        const strategy = ensure(spec, "updateStrategy");
        fill(strategy, { type: "RollingUpdate" });
        if (strategy.type === "RollingUpdate") fill(ensure(strategy, "rollingUpdate"), { partition: 0 });
        template(spec);
      }
      return;
    case "batch/jobs":
      if (isObject(spec)) {
        // With parallelism alone it is a work queue, which has no number of completions.
        if (spec.parallelism === undefined) fill(spec, { completions: 1 });
        fill(spec, { parallelism: 1, backoffLimit: 6, completionMode: "NonIndexed", suspend: false });
        template(spec);
      }
      return;
    case "admissionregistration.k8s.io/mutatingwebhookconfigurations":
    case "admissionregistration.k8s.io/validatingwebhookconfigurations":
      for (const webhook of asArray(object.webhooks))
        if (isObject(webhook)) webhookDefaults(webhook, kind.resource.startsWith("mutating"));
      return;
  }
}

function webhookDefaults(webhook: JsonObject, mutating: boolean): void {
  fill(webhook, {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
  if (mutating) fill(webhook, { reinvocationPolicy: "Never" });
  for (const rule of asArray(webhook.rules)) if (isObject(rule)) fill(rule, { scope: "*" });
}

function fill(target: JsonObject, values: JsonObject): void {
  for (const [name, value] of Object.entries(values))
    if (target[name] === undefined || target[name] === null) target[name] = value;
}

function ensure(parent: JsonObject, name: string): JsonObject {
  const present = parent[name];
  if (isObject(present)) return present;
  const made: JsonObject = {};
  parent[name] = made;
  return made;
}

function template(spec: JsonObject): void {
  const pod = ensure(spec, "template");
  ensure(pod, "metadata");
  podSpec(ensure(pod, "spec"));
}

function podSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
  });
  ensure(spec, "securityContext");
  if (typeof spec.serviceAccountName === "string") spec.serviceAccount = spec.serviceAccountName;
  const lists = [spec.containers, spec.initContainers, spec.ephemeralContainers];
  for (const container of lists.flatMap(asArray)) if (isObject(container)) containerDefaults(container);
  for (const volume of asArray(spec.volumes)) if (isObject(volume)) volumeDefaults(volume);
}

function containerDefaults(container: JsonObject): void {
  const image = typeof container.image === "string" ? container.image : "";
  const latest = !/:[^/]+$/.test(image) || image.endsWith(":latest");
  fill(container, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: latest ? "Always" : "IfNotPresent",
  });
  ensure(container, "resources");
  for (const port of asArray(container.ports)) if (isObject(port)) fill(port, { protocol: "TCP" });
  for (const name of ["readinessProbe", "livenessProbe", "startupProbe"]) {
    const probe = container[name];
    if (!isObject(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isObject(probe.httpGet)) fill(probe.httpGet, { scheme: "HTTP", path: "/" });
  }
  for (const variable of asArray(container.env)) {
    const source = isObject(variable) ? variable.valueFrom : undefined;
    if (isObject(source) && isObject(source.fieldRef)) fill(source.fieldRef, { apiVersion: "v1" });
  }
}

function volumeDefaults(volume: JsonObject): void {
  const names = Object.keys(volume).filter((name) => name !== "name");
  if (names.length === 0) volume.emptyDir = {};
  for (const name of ["configMap", "secret", "projected", "downwardAPI"]) {
    const source = volume[name];
    if (isObject(source)) fill(source, { defaultMode: 420 });
  }
  for (const source of asArray(asObject(volume.projected).sources)) {
    const token = isObject(source) ? source.serviceAccountToken : undefined;
    if (isObject(token)) fill(token, { expirationSeconds: 3600 });
  }
}

function serviceSpec(spec: JsonObject): void {
  fill(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") fill(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer") fill(spec, { allocateLoadBalancerNodePorts: true });
  for (const port of asArray(spec.ports))
    if (isObject(port)) fill(port, { protocol: "TCP", ...(port.port === undefined ? {} : { targetPort: port.port }) });
}

/** stringData is only for writing: it ends up in data. */
function encodeStringData(object: ApiObject): void {
  if (!isObject(object.stringData)) return;
  const data = asObject(object.data);
  for (const [name, value] of Object.entries(object.stringData))
    data[name] = Buffer.from(String(value)).toString("base64");
  object.data = data;
  delete object.stringData;
}
