import type { Origin } from "../model/snapshot.ts";

/** Names of clusters and configuration paths, as Istio writes them and istioctl's readers know them. */
export const outboundCluster = (port: number, subset: string, host: string): string =>
  `outbound|${port}|${subset}|${host}`;
export const inboundCluster = (port: number): string => `inbound|${port}||`;
/** In a waypoint: what is sent to a service's address, by protocol ("http" or "tcp"). */
export const vipCluster = (port: number, protocol: "http" | "tcp", subset: string, host: string): string =>
  `inbound-vip|${port}|${protocol}${subset === "" ? "" : `/${subset}`}|${host}`;
export const sniOf = (port: number, subset: string, host: string): string => `outbound_.${port}_.${subset}_.${host}`;

export const BLACK_HOLE = "BlackHoleCluster";
export const PASSTHROUGH = "PassthroughCluster";
export const INBOUND_PASSTHROUGH = "InboundPassthroughCluster";

const pathOf: Readonly<Record<string, string>> = {
  VirtualService: "networking.istio.io/v1/namespaces/%/virtual-service/",
  DestinationRule: "networking.istio.io/v1/namespaces/%/destination-rule/",
  Gateway: "networking.istio.io/v1/namespaces/%/gateway/",
  PeerAuthentication: "security.istio.io/v1/namespaces/%/peer-authentication/",
};

/** Path of a manifest as it stands in `filter_metadata.istio.config`. */
export const configPath = (origin: Origin): string =>
  `/apis/${(pathOf[origin.kind] ?? "").replace("%", origin.namespace)}${origin.name}`;
