import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { ensure, fill } from "./fill.ts";

/** Defaults of a pod's spec, wherever it stands. Changes the spec. */
export function podSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
  });
  // There is no way to end before one asked for it.
  if (Number(spec.terminationGracePeriodSeconds) < 0) spec.terminationGracePeriodSeconds = 1;
  ensure(spec, "securityContext");
  if (typeof spec.serviceAccountName === "string") spec.serviceAccount = spec.serviceAccountName;
  const lists = [spec.containers, spec.initContainers, spec.ephemeralContainers];
  for (const container of lists.flatMap(asArray).filter(isObject)) {
    containerDefaults(container);
    if (spec.hostNetwork !== true) continue;
    for (const port of asArray(container.ports).filter(isObject))
      if (typeof port.containerPort === "number") fill(port, { hostPort: port.containerPort });
  }
  for (const volume of asArray(spec.volumes).filter(isObject)) volumeDefaults(volume);
}

/** In a pod itself, but not in a template, requests are the limits when they are not said. */
export function ownPodSpec(spec: JsonObject): void {
  podSpec(spec);
  fill(spec, { enableServiceLinks: true });
  for (const container of [...asArray(spec.containers), ...asArray(spec.initContainers)].filter(isObject)) {
    const { resources } = container;
    if (isObject(resources) && isObject(resources.limits)) fill(ensure(resources, "requests"), resources.limits);
  }
}

function containerDefaults(container: JsonObject): void {
  fill(container, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: isLatest(container.image) ? "Always" : "IfNotPresent",
  });
  ensure(container, "resources");
  for (const port of asArray(container.ports).filter(isObject)) fill(port, { protocol: "TCP" });
  for (const name of ["readinessProbe", "livenessProbe", "startupProbe"]) {
    const probe = container[name];
    if (isObject(probe)) probeDefaults(probe);
  }
  for (const hook of Object.values(asObject(container.lifecycle))) {
    const call = asObject(hook).httpGet;
    if (isObject(call)) fill(call, { scheme: "HTTP", path: "/" });
  }
  for (const variable of asArray(container.env).filter(isObject)) {
    const { fieldRef, resourceFieldRef } = asObject(variable.valueFrom);
    if (isObject(fieldRef)) fill(fieldRef, { apiVersion: "v1" });
    if (isObject(resourceFieldRef)) fill(resourceFieldRef, { divisor: "0" });
  }
}

/** An image without a tag, or with the tag latest; a digest counts as a tag. */
function isLatest(image: Json | undefined): boolean {
  const name = typeof image === "string" ? image : "";
  if (name.includes("@")) return false;
  return !/:[^/]+$/.test(name) || name.endsWith(":latest");
}

function probeDefaults(probe: JsonObject): void {
  fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (isObject(probe.httpGet)) fill(probe.httpGet, { scheme: "HTTP", path: "/" });
  if (isObject(probe.grpc)) fill(probe.grpc, { service: "" });
}

function volumeDefaults(volume: JsonObject): void {
  const names = Object.keys(volume).filter((name) => name !== "name");
  if (names.length === 0) volume.emptyDir = {};
  for (const name of ["configMap", "secret", "projected", "downwardAPI"]) {
    const source = volume[name];
    if (isObject(source)) fill(source, { defaultMode: 420 });
  }
  if (isObject(volume.hostPath)) fill(volume.hostPath, { type: "" });
  fieldReferences(volume.downwardAPI);
  for (const source of asArray(asObject(volume.projected).sources).map(asObject)) {
    if (isObject(source.serviceAccountToken)) fill(source.serviceAccountToken, { expirationSeconds: 3600 });
    fieldReferences(source.downwardAPI);
  }
}

function fieldReferences(downward: Json | undefined): void {
  for (const item of asArray(asObject(downward).items).map(asObject)) {
    if (isObject(item.fieldRef)) fill(item.fieldRef, { apiVersion: "v1" });
    if (isObject(item.resourceFieldRef)) fill(item.resourceFieldRef, { divisor: "0" });
  }
}
