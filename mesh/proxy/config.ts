import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusterDomain, clusterId, ISTIO_VERSION, ports, trustDomain, VERSION } from "#api/names.ts";

/** Everything that `pilot-agent proxy` was told, checked. Names of variables and files are those that Istio's injector writes. */
export interface ProxyConfig {
  readonly role: "sidecar" | "router" | "waypoint";
  readonly pod: PodIdentity;
  readonly domain: string;
  readonly trustDomain: string;
  readonly meshId: string;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** ISTIO_META_ variables without the prefix: part of the node's metadata. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Host and port of the control plane; port 15010 is spoken to without TLS. */
  readonly discoveryAddress: string;
  readonly certificateAddress: string;
  /** Expected name in the control plane's certificate where it is not the address's host. */
  readonly serverName: string | undefined;
  readonly protocol: "delta" | "state-of-the-world";
  readonly certificateLifetimeSeconds: number;
  /** Share of the lifetime that is left when a certificate is renewed. */
  readonly renewalGraceRatio: number;
  readonly drainMs: number;
  readonly exitOnZeroConnections: boolean;
  /** Probes of the application that the injector rewrote, from ISTIO_KUBE_APP_PROBERS. */
  readonly probers: Readonly<Record<string, Prober>>;
  readonly applicationMetrics: ApplicationMetrics | undefined;
  readonly logLevel: LogLevel;
  readonly ports: ProxyPorts;
  readonly files: ProxyFiles;
  /** PROXY_CONFIG as it is, for the node's metadata. */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly owner: string;
}

export interface Prober {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number;
    readonly scheme?: string;
    readonly host?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number };
  readonly timeoutSeconds?: number;
}

/** Where the application serves Prometheus metrics that are merged into ours. */
export interface ApplicationMetrics {
  readonly port: number;
  readonly path: string;
}

export interface ProxyPorts {
  readonly admin: number;
  readonly status: number;
  readonly health: number;
  readonly prometheus: number;
}

export interface ProxyFiles {
  readonly token: string;
  readonly rootCertificate: string;
  /** Lists of revoked certificates; it need not be there. */
  readonly revocation: string;
  /** Unix socket on which certificates are served to an Envoy. */
  readonly secretSocket: string;
}

/** What is wrong with the environment or the arguments, and where. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

type Env = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  readonly args: readonly string[];
  readonly env: Env;
  /** Folder that all files are looked up below; "/" but in tests. */
  readonly root?: string;
}

/** Reads the arguments after `proxy`. Throws ConfigurationError. */
export function readConfig({ args, env, root = "/" }: ConfigSources): ProxyConfig {
  const { values, positionals } = parseArguments(args);
  const [role = "sidecar"] = positionals;
  if (role !== "sidecar" && role !== "router" && role !== "waypoint")
    throw new ConfigurationError(`the proxy's role must be sidecar, router or waypoint, not "${role}"`);
  const proxyConfig = json(env, "PROXY_CONFIG", {}) as Record<string, unknown>;
  const annotations = podInfo(root, "annotations");
  const discoveryAddress =
    text(proxyConfig.discoveryAddress) ?? env.DISCOVERY_ADDRESS ?? `istiod.istio-system.svc:${ports.istiodSecureGrpc}`;
  const namespace = required(env, "POD_NAMESPACE");
  const name = required(env, "POD_NAME");
  return {
    role,
    pod: {
      name,
      namespace,
      ip: required(env, "INSTANCE_IP").split(",")[0]!,
      serviceAccount: env.SERVICE_ACCOUNT || "default",
      workload: env.ISTIO_META_WORKLOAD_NAME || workloadOf(name),
      owner: env.ISTIO_META_OWNER ?? "",
    },
    domain: values.domain || `${namespace}.svc.${clusterDomain}`,
    trustDomain: env.TRUST_DOMAIN || trustDomain,
    meshId: env.ISTIO_META_MESH_ID || trustDomain,
    cluster: env.ISTIO_META_CLUSTER_ID || clusterId,
    labels: podInfo(root, "labels"),
    annotations,
    metadata: metadataOf(env),
    discoveryAddress: hostAndPort("PROXY_CONFIG.discoveryAddress", discoveryAddress),
    certificateAddress: hostAndPort("CA_ADDR", env.CA_ADDR || discoveryAddress),
    serverName: env.ISTIOD_SAN || undefined,
    protocol: env.ISTIO_DELTA_XDS === "false" ? "state-of-the-world" : "delta",
    certificateLifetimeSeconds: duration(env, "SECRET_TTL", 24 * 3600),
    renewalGraceRatio: ratio(env, "SECRET_GRACE_PERIOD_RATIO", 0.5),
    drainMs: drainOf(env, proxyConfig) * 1000,
    exitOnZeroConnections:
      env.EXIT_ON_ZERO_ACTIVE_CONNECTIONS === "true" || env.ISTIO_META_EXIT_ON_ZERO_ACTIVE_CONNECTIONS === "true",
    probers: json(env, "ISTIO_KUBE_APP_PROBERS", {}) as Record<string, Prober>,
    applicationMetrics: applicationMetricsOf(env),
    logLevel: levelOf(values.log_output_level),
    ports: {
      admin: port(env, "PROXY_ADMIN_PORT", Number(proxyConfig.proxyAdminPort ?? ports.proxyAdmin)),
      status: port(env, "STATUS_PORT", Number(proxyConfig.statusPort ?? ports.agentStatus)),
      health: port(env, "ENVOY_STATUS_PORT", ports.health),
      prometheus: port(env, "ENVOY_PROMETHEUS_PORT", ports.envoyPrometheus),
    },
    files: {
      token: join(root, "var/run/secrets/tokens/istio-token"),
      rootCertificate: join(root, "var/run/secrets/istio/root-cert.pem"),
      revocation: join(root, "var/run/secrets/istio/crl/ca-crl.pem"),
      secretSocket: join(root, "var/run/secrets/workload-spiffe-uds/socket"),
    },
    proxyConfig,
  };
}

export const istioVersion = ISTIO_VERSION;
export const slipwayVersion = VERSION;

function parseArguments(args: readonly string[]) {
  const string = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        domain: string,
        proxyLogLevel: string,
        proxyComponentLogLevel: string,
        log_output_level: string,
        concurrency: string,
        serviceCluster: string,
        stsPort: string,
        tokenManagerPlugin: string,
        templateFile: string,
        outlierLogPath: string,
        meshConfig: string,
      },
    });
  } catch (error) {
    throw new ConfigurationError(`pilot-agent proxy: ${(error as Error).message}`);
  }
}

function required(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === "")
    throw new ConfigurationError(`the variable ${name} is not set; the injector sets it from the pod`);
  return value;
}

function json(env: Env, name: string, fallback: unknown): unknown {
  const value = env[name];
  if (value === undefined || value.trim() === "") return fallback;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new ConfigurationError(`the variable ${name} is not JSON: ${(error as Error).message}`);
  }
}

function port(env: Env, name: string, fallback: number): number {
  const value = env[name] ? Number(env[name]) : fallback;
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  throw new ConfigurationError(`the variable ${name} must be a port number, not "${env[name] ?? value}"`);
}

function ratio(env: Env, name: string, fallback: number): number {
  const value = env[name] ? Number(env[name]) : fallback;
  if (value > 0 && value < 1) return value;
  throw new ConfigurationError(`the variable ${name} must be a number between 0 and 1, not "${env[name]}"`);
}

/** A duration as Go writes it, in seconds. */
function duration(env: Env, name: string, fallback: number): number {
  const value = env[name];
  if (value === undefined || value === "") return fallback;
  const seconds = parseDuration(value);
  if (seconds === undefined)
    throw new ConfigurationError(`the variable ${name} must be a duration such as 24h or 5m0s, not "${value}"`);
  return seconds;
}

/** `1h30m`, `5s`, `250ms` in seconds; undefined when it is no duration. */
export function parseDuration(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(value)) return undefined;
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0),
    0,
  );
}

function drainOf(env: Env, proxyConfig: Readonly<Record<string, unknown>>): number {
  const configured = text(proxyConfig.terminationDrainDuration);
  if (configured === undefined) return duration(env, "TERMINATION_DRAIN_DURATION_SECONDS", 5);
  const seconds = parseDuration(configured);
  if (seconds === undefined)
    throw new ConfigurationError(
      `PROXY_CONFIG.terminationDrainDuration must be a duration such as 5s, not "${configured}"`,
    );
  return seconds;
}

function hostAndPort(name: string, value: string): string {
  const number = Number(/:(\d+)$/.exec(value)?.[1]);
  if (number > 0 && number < 65_536) return value;
  throw new ConfigurationError(`${name} must be host:port, not "${value}"`);
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** ISTIO_META_X=value and ISTIO_METAJSON_X={...}, as Istio's agent reads them. */
function metadataOf(env: Env): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (name.startsWith("ISTIO_META_")) metadata[name.slice("ISTIO_META_".length)] = value;
    else if (name.startsWith("ISTIO_METAJSON_")) Object.assign(metadata, json(env, name, {}));
  }
  return metadata;
}

/** A file of the downward API: lines of name="value". */
function podInfo(root: string, file: string): Record<string, string> {
  let lines: string[];
  try {
    lines = readFileSync(join(root, "etc/istio/pod", file), "utf8").split("\n");
  } catch {
    return {}; // not mounted
  }
  const pairs = lines.flatMap((line): [string, string][] => {
    const [, name, value] = /^([^=]+)="(.*)"$/.exec(line) ?? [];
    return name === undefined
      ? []
      : [[name, (value ?? "").replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter))]];
  });
  return Object.fromEntries(pairs);
}

function applicationMetricsOf(env: Env): ApplicationMetrics | undefined {
  const annotations = json(env, "ISTIO_PROMETHEUS_ANNOTATIONS", {}) as Record<string, string | undefined>;
  if (annotations.scrape !== "true") return undefined;
  return { path: annotations.path || "/metrics", port: Number(annotations.port || 80) };
}

/** Istio's form is scope:level, and a list of these; the default scope decides here. */
function levelOf(value: string | undefined): LogLevel {
  const levels: Readonly<Record<string, LogLevel>> = {
    debug: "debug",
    info: "info",
    warn: "warn",
    warning: "warn",
    error: "error",
    fatal: "error",
    none: "error",
  };
  const [first = "info"] = (value ?? "default:info").split(",");
  const level = levels[first.split(":").at(-1) ?? ""];
  if (level === undefined)
    throw new ConfigurationError(`--log_output_level must be such as default:info, not "${value}"`);
  return level;
}

/** A Deployment's pod is called deployment-hash-hash; used only where the injector did not say the workload's name. */
const workloadOf = (podName: string): string => podName.replace(/-[a-f0-9]{6,10}-[a-z0-9]{5}$/, "");
