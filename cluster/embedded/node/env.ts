import type { IEnvVarSource } from "kubernetes-models/v1/EnvVarSource";
import type { ConfigMap, Container, Pod, Secret, Service } from "./kinds.ts";
import { podField, resourceField } from "./pod-fields.ts";

/** A container that cannot be started as its specification stands (reason CreateContainerConfigError). */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

export interface EnvSources {
  readonly pod: Pod;
  /** Status facts that are not in the pod object yet. */
  readonly podIp: string;
  readonly hostIp: string;
  readonly imageEnv: Readonly<Record<string, string>>;
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  /** Services of the pod's namespace, and `kubernetes` of the default namespace. */
  readonly services: readonly Service[];
}

/**
 * The environment of a container in the kubelet's order of precedence: image, services, envFrom, env. Throws ContainerConfigError
 * for a missing source that is not optional.
 */
export function containerEnv(container: Container, sources: EnvSources): Record<string, string> {
  const services = serviceEnv(sources.services);
  const env: Record<string, string> = { ...sources.imageEnv };
  if (sources.pod.spec?.hostname !== undefined || env.HOSTNAME === undefined)
    env.HOSTNAME = sources.pod.spec?.hostname ?? sources.pod.metadata.name ?? "";
  const result: Record<string, string> = { ...services };
  for (const from of container.envFrom ?? []) Object.assign(result, fromSource(from, sources));
  for (const entry of container.env ?? []) {
    const value =
      entry.valueFrom === undefined
        ? expand(entry.value ?? "", result)
        : fromReference(entry.valueFrom, container, sources);
    if (value !== undefined) result[entry.name] = value;
  }
  return { ...env, ...result };
}

type EnvFrom = NonNullable<Container["envFrom"]>[number];

function fromSource(from: EnvFrom, sources: EnvSources): Record<string, string> {
  const prefix = from.prefix ?? "";
  const named = (entries: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(entries).map(([key, value]) => [prefix + key, value]));
  if (from.configMapRef !== undefined) {
    const found = sources.configMap(from.configMapRef.name ?? "");
    if (found === undefined && from.configMapRef.optional !== true)
      throw new ContainerConfigError(`configmap "${from.configMapRef.name}" not found`);
    return named({ ...found?.data });
  }
  if (from.secretRef !== undefined) {
    const found = sources.secret(from.secretRef.name ?? "");
    if (found === undefined && from.secretRef.optional !== true)
      throw new ContainerConfigError(`secret "${from.secretRef.name}" not found`);
    return named(decodeSecret(found));
  }
  return {};
}

function decodeSecret(secret: Secret | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}

/** The value of a valueFrom; undefined when an optional source is missing. */
function fromReference(source: IEnvVarSource, container: Container, sources: EnvSources): string | undefined {
  if (source.fieldRef !== undefined) return podField(sources.pod, source.fieldRef.fieldPath, sources);
  if (source.resourceFieldRef !== undefined) return resourceField(sources.pod, source.resourceFieldRef, container);
  if (source.configMapKeyRef !== undefined) {
    const { name = "", key, optional } = source.configMapKeyRef;
    return keyOf({
      kind: "configmap",
      name,
      key,
      optional: optional === true,
      found: sources.configMap(name),
      data: sources.configMap(name)?.data,
    });
  }
  if (source.secretKeyRef !== undefined) {
    const { name = "", key, optional } = source.secretKeyRef;
    const secret = sources.secret(name);
    return keyOf({ kind: "secret", name, key, optional: optional === true, found: secret, data: decodeSecret(secret) });
  }
  return undefined;
}

interface KeyLookup {
  readonly kind: "configmap" | "secret";
  readonly name: string;
  readonly key: string;
  readonly optional: boolean;
  readonly found: object | undefined;
  readonly data: Readonly<Record<string, string>> | undefined;
}

function keyOf(lookup: KeyLookup): string | undefined {
  const value = lookup.data?.[lookup.key];
  if (value !== undefined || lookup.optional) return value;
  if (lookup.found === undefined) throw new ContainerConfigError(`${lookup.kind} "${lookup.name}" not found`);
  throw new ContainerConfigError(`couldn't find key ${lookup.key} in ${lookup.kind} ${lookup.name}`);
}

/** Replaces $(NAME) by values known so far, $$ by $; an unknown name stays as written. Source: the Kubernetes API reference of EnvVar. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? "$" : (known[name] ?? match),
  );
}

/** Docker-link style variables of services that have a cluster IP. Source: "Accessing the Service" in the Kubernetes documentation. */
export function serviceEnv(services: readonly Service[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const service of services) {
    const address = service.spec?.clusterIP;
    const ports = service.spec?.ports ?? [];
    if (address === undefined || address === "" || address === "None" || ports.length === 0) continue;
    const prefix = (service.metadata.name ?? "").toUpperCase().replaceAll("-", "_");
    env[`${prefix}_SERVICE_HOST`] = address;
    env[`${prefix}_SERVICE_PORT`] = String(ports[0]?.port);
    env[`${prefix}_PORT`] = `${(ports[0]?.protocol ?? "TCP").toLowerCase()}://${address}:${ports[0]?.port}`;
    for (const port of ports) {
      if (port.name !== undefined && port.name !== "")
        env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`] = String(port.port);
      const protocol = port.protocol ?? "TCP";
      const base = `${prefix}_PORT_${port.port}_${protocol}`;
      env[base] = `${protocol.toLowerCase()}://${address}:${port.port}`;
      env[`${base}_PROTO`] = protocol.toLowerCase();
      env[`${base}_PORT`] = String(port.port);
      env[`${base}_ADDR`] = address;
    }
  }
  return env;
}
