import { parseArgs } from "node:util";
import { clusterDomain, clusterId, images, namespaces, ports } from "#api/names.ts";

/** What the control plane is told when it starts; ports of 0 are chosen by the system. */
export interface ControlPlaneConfig {
  readonly podName: string;
  readonly podNamespace: string;
  readonly clusterId: string;
  readonly revision: string;
  readonly domain: string;
  /** Address that all servers listen on. */
  readonly host: string;
  readonly ports: ControlPlanePorts;
  /** Image that injected containers run. */
  readonly meshImage: string;
  readonly logLevel: string;
  /** Name of a second ConfigMap with MeshConfig, which the first one's settings take precedence over; empty for none. */
  readonly sharedMeshConfig: string;
}

export interface ControlPlanePorts {
  readonly grpc: number;
  readonly secureGrpc: number;
  readonly debug: number;
  readonly monitoring: number;
  readonly webhook: number;
}

const flags = {
  domain: { type: "string" },
  grpcAddr: { type: "string" },
  secureGRPCAddr: { type: "string" },
  httpAddr: { type: "string" },
  httpsAddr: { type: "string" },
  monitoringAddr: { type: "string" },
  log_output_level: { type: "string" },
} as const;

/** Reads `discovery --flag=…` and the environment as Istio's pilot-discovery does. Throws an Error that names what is wrong. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): ControlPlaneConfig {
  const [command, ...rest] = args;
  if (command !== "discovery") throw new Error(`unknown command "${command ?? ""}": the command is "discovery"`);
  const { values } = parseArgs({ args: rest, options: flags });
  return {
    podName: env.POD_NAME ?? "istiod",
    podNamespace: env.POD_NAMESPACE ?? namespaces.system,
    clusterId: env.CLUSTER_ID ?? clusterId,
    revision: env.REVISION ?? "default",
    domain: values.domain ?? clusterDomain,
    host: "0.0.0.0",
    ports: {
      grpc: portOf(values.grpcAddr, ports.istiodGrpc),
      secureGrpc: portOf(values.secureGRPCAddr, ports.istiodSecureGrpc),
      debug: portOf(values.httpAddr, ports.istiodDebug),
      monitoring: portOf(values.monitoringAddr, ports.istiodMonitoring),
      webhook: portOf(values.httpsAddr, ports.istiodWebhook),
    },
    sharedMeshConfig: env.SHARED_MESH_CONFIG ?? "",
    meshImage: env.SLIPWAY_MESH_IMAGE ?? images.mesh,
    logLevel: values.log_output_level?.split(":").at(-1) ?? "info",
  };
}

function portOf(address: string | undefined, fallback: number): number {
  if (address === undefined) return fallback;
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`"${address}" is no address such as :15012`);
  return port;
}
