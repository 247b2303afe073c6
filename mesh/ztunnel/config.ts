import { join } from "node:path";
import { clusterId, ports, trustDomain } from "#api/names.ts";
import type { CaptureChoice } from "#mesh/capture/choose-capture.ts";
import type { LogLevel } from "./log.ts";

/** Everything that `ztunnel proxy` was told, checked. Names of variables are those of Istio's ztunnel. */
export interface ZtunnelConfig {
  readonly node: string;
  readonly pod: { readonly name: string; readonly namespace: string; readonly ip: string };
  readonly cluster: string;
  readonly trustDomain: string;
  readonly capture: CaptureChoice;
  /** Whether pods' DNS questions are captured where the pod does not say. */
  readonly dnsCapture: boolean;
  /** host:port. */
  readonly discoveryAddress: string;
  readonly certificateAddress: string;
  readonly serverName: string | undefined;
  readonly certificateLifetimeSeconds: number;
  /** How long connections may go on after the process was told to end. */
  readonly drainMs: number;
  readonly logLevel: LogLevel;
  readonly ports: { readonly admin: number; readonly stats: number; readonly readiness: number };
  readonly files: {
    readonly token: string;
    readonly rootCertificate: string;
    /** Lists of revoked certificates; it need not be there. */
    readonly revocation: string;
    /** Folder with the network namespaces of the node's pods. */
    readonly namespaces: string;
    /** Folder of the control groups that pods are in; only eBPF capture needs it. */
    readonly groups: string;
    /** Which servers answer what the mesh does not know. */
    readonly resolver: string;
  };
}

/** What is wrong with the environment, and where. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws ConfigurationError. @param root folder that all files are looked up below; "/" but in tests */
export function readConfig(env: Env, root = "/"): ZtunnelConfig {
  const discoveryAddress = address(env, "XDS_ADDRESS", `istiod.istio-system.svc:${ports.istiodSecureGrpc}`);
  return {
    node: required(env, "NODE_NAME"),
    pod: {
      name: required(env, "POD_NAME"),
      namespace: required(env, "POD_NAMESPACE"),
      ip: required(env, "INSTANCE_IP"),
    },
    cluster: env.CLUSTER_ID || clusterId,
    trustDomain: env.TRUST_DOMAIN || trustDomain,
    capture: captureChoice(env.AMBIENT_CAPTURE),
    dnsCapture: flag(env, "AMBIENT_DNS_CAPTURE", true),
    discoveryAddress,
    certificateAddress: address(env, "CA_ADDRESS", discoveryAddress),
    serverName: env.ISTIOD_SAN || undefined,
    certificateLifetimeSeconds: number(env, "SECRET_TTL_SECONDS", 24 * 3600),
    drainMs: number(env, "TERMINATION_GRACE_PERIOD_SECONDS", 5) * 1000,
    logLevel: level(env.RUST_LOG ?? env.LOG_LEVEL),
    ports: {
      admin: number(env, "ADMIN_PORT", ports.proxyAdmin),
      stats: number(env, "STATS_PORT", ports.agentStatus),
      readiness: number(env, "READINESS_PORT", ports.health),
    },
    files: {
      token: join(root, "var/run/secrets/tokens/istio-token"),
      rootCertificate: join(root, "var/run/secrets/istio/root-cert.pem"),
      revocation: join(root, "var/run/secrets/istio/crl/ca-crl.pem"),
      namespaces: join(root, "var/run/netns"),
      groups: join(root, "var/run/cgroup2"),
      resolver: join(root, "etc/resolv.conf"),
    },
  };
}

function required(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === "")
    throw new ConfigurationError(`the variable ${name} is not set; the DaemonSet sets it from the pod`);
  return value;
}

function number(env: Env, name: string, fallback: number): number {
  const value = env[name] ? Number(env[name]) : fallback;
  if (Number.isInteger(value) && value >= 0) return value;
  throw new ConfigurationError(`the variable ${name} must be a whole number, not "${env[name]}"`);
}

function captureChoice(text: string | undefined): CaptureChoice {
  const choice = text || "iptables";
  if (choice === "iptables" || choice === "ebpf" || choice === "auto") return choice;
  throw new ConfigurationError(`the variable AMBIENT_CAPTURE must be iptables, ebpf or auto, not "${choice}"`);
}

function flag(env: Env, name: string, fallback: boolean): boolean {
  const value = env[name] || String(fallback);
  if (value === "true" || value === "false") return value === "true";
  throw new ConfigurationError(`the variable ${name} must be true or false, not "${value}"`);
}

function address(env: Env, name: string, fallback: string): string {
  const value = env[name] || fallback;
  if (Number(/:(\d+)$/.exec(value)?.[1]) > 0) return value.replace(/^https?:\/\//, "");
  throw new ConfigurationError(`the variable ${name} must be host:port, not "${value}"`);
}

/** Istio's ztunnel takes "info" or "info,access=off": the first word decides here. */
function level(text: string | undefined): LogLevel {
  const word = (text || "info").split(",")[0];
  if (word === "debug" || word === "info" || word === "warn" || word === "error") return word;
  if (word === "trace") return "debug";
  throw new ConfigurationError(`the level of the log must be debug, info, warn or error, not "${word}"`);
}
