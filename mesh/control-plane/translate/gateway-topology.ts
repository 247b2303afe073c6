import { HttpConnectionManager_ForwardClientCertDetails as Mode } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { MeshConfig } from "../model/mesh-config.ts";
import { type GatewayTopology, gatewayTopology } from "../model/other-kinds.ts";
import type { ProxyNode } from "../model/snapshot.ts";

/** What stands before a gateway, as far as it decides whom the gateway believes. */
export interface Topology {
  readonly trustedProxies: number;
  readonly clientCertificates: Mode;
}

const modes: Readonly<Record<NonNullable<GatewayTopology["forwardClientCertDetails"]>, Mode>> = {
  UNDEFINED: Mode.SANITIZE_SET,
  SANITIZE: Mode.SANITIZE,
  FORWARD_ONLY: Mode.FORWARD_ONLY,
  APPEND_FORWARD: Mode.APPEND_FORWARD,
  SANITIZE_SET: Mode.SANITIZE_SET,
  ALWAYS_FORWARD_ONLY: Mode.ALWAYS_FORWARD_ONLY,
};

/** The gateway's own ProxyConfig decides, else the mesh's. Without any, nobody before it is believed. */
export function topologyOf(mesh: MeshConfig, proxy: ProxyNode): Topology {
  const ofMesh = gatewayTopology.safeParse(mesh.defaultConfig.gatewayTopology);
  const topology = proxy.topology ?? (ofMesh.success ? ofMesh.data : {});
  return {
    trustedProxies: topology.numTrustedProxies ?? 0,
    clientCertificates: modes[topology.forwardClientCertDetails ?? "UNDEFINED"],
  };
}
