import type { AuthorizationPolicy } from "./authorization-policy.ts";
import type { DestinationRuleSpec } from "./destination-rule.ts";
import type { KubernetesGateway } from "./kubernetes-gateway.ts";
import type { MeshConfig } from "./mesh-config.ts";
import type { GatewaySpec, GatewayTopology, PeerAuthenticationSpec, SidecarSpec } from "./other-kinds.ts";
import type { Protocol } from "./protocol.ts";
import type { RequestAuthenticationSpec } from "./request-authentication.ts";
import type { VirtualServiceSpec } from "./virtual-service.ts";

/** Where a piece of configuration comes from; equal content keeps the object, so identity tells whether something changed. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  /** RFC 3339; the older object wins a conflict. */
  readonly created: string;
}

export interface Config<Spec> {
  readonly origin: Origin;
  readonly spec: Spec;
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Number, or the name of a container port. */
  readonly targetPort: number | string;
}

export interface Service {
  readonly origin: Origin;
  /** Full DNS name, such as cart.shop.svc.cluster.local. */
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Cluster addresses; none for a headless service. */
  readonly addresses: readonly string[];
  /** Ranges of addresses that mean it too (ServiceEntry). */
  readonly ranges: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly exportTo: readonly string[];
  /**
   * static: by our endpoints; dns: the proxy connects to all addresses behind names, dns-first: to the first of the newest answer;
   * none: to the address that the client dialled.
   */
  readonly resolution: "static" | "dns" | "dns-first" | "none";
  /** Outside the mesh: no mutual TLS is assumed. */
  readonly external: boolean;
  readonly headless: boolean;
  /** Names to connect to for resolution by DNS. */
  readonly dnsTargets: readonly DnsTarget[];
  readonly subjectAltNames: readonly string[];
  /** An address that the mesh gave it, for those who ask the mesh's DNS; undefined where it has its own or wants none. */
  readonly autoAddress: string | undefined;
  /** Which endpoints its clients are to have. */
  readonly distribution: TrafficDistribution;
  /** Endpoints that are not ready take traffic too. */
  readonly publishesNotReady: boolean;
}

/** any: all alike; same-zone and same-node: the nearest that there are; only-node: none but those of the client's node. */
export type TrafficDistribution = "any" | "same-zone" | "same-node" | "only-node";

/** Where something runs; empty where it is not known. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

export interface DnsTarget {
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
}

/** A pod, as far as proxies need to know it. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Name of what made it: the Deployment, not the ReplicaSet. */
  readonly workloadName: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  /** "istio" if a proxy in front of it accepts mutual TLS. */
  readonly tlsMode: "istio" | "disabled";
  /** Container ports by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Name of the node that it runs on. */
  readonly node: string;
  readonly hostNetwork: boolean;
  /** Whether the node's ztunnel has its traffic, as the CNI says when it has drawn the rules. */
  readonly captured: boolean;
  /** Whether connections to it may come by HBONE: its ztunnel or its own proxy takes them. */
  readonly takesHbone: boolean;
}

export interface Endpoint {
  readonly address: string;
  /** Container port by name of the service's port. */
  readonly ports: Readonly<Record<string, number>>;
  readonly workload: Workload | undefined;
  /** Labels for subsets where there is no pod (ServiceEntry). */
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
}

/** Keys and certificates that a Secret holds for gateways and for calls to the outside. */
export interface Credential {
  readonly origin: Origin;
  /** PEM. */
  readonly certificate: { readonly chain: string; readonly key: string } | undefined;
  /** Why what the Secret holds cannot be used, in words that go after "it"; nothing of it is delivered then. */
  readonly fault?: string;
  /** PEM of the authorities that the other side's certificate may come from. */
  readonly root: string | undefined;
  /** PEM of their list of revoked certificates. */
  readonly revoked: string | undefined;
}

/** Everything that proxies' configuration is computed from, at one moment; never changed after it is built. */
export interface Snapshot {
  /** Grows by one with each snapshot of this process. */
  readonly generation: number;
  readonly domain: string;
  readonly clusterId: string;
  readonly mesh: MeshConfig;
  /** By host name, sorted. */
  readonly services: ReadonlyMap<string, Service>;
  /** Ready endpoints by host name. */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  /** By "namespace/name". */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** By name of the node. */
  readonly nodes: ReadonlyMap<string, Locality>;
  /** Oldest first, as conflicts are decided. */
  readonly virtualServices: readonly Config<VirtualServiceSpec>[];
  readonly destinationRules: readonly Config<DestinationRuleSpec>[];
  readonly gateways: readonly Config<GatewaySpec>[];
  /** Gateways of the Gateway API by "namespace/name". */
  readonly kubernetesGateways: ReadonlyMap<string, KubernetesGateway>;
  /** Labels of namespaces. */
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly peerAuthentications: readonly Config<PeerAuthenticationSpec>[];
  readonly authorizationPolicies: readonly Config<AuthorizationPolicy>[];
  readonly requestAuthentications: readonly Config<RequestAuthenticationSpec>[];
  /** JSON Web Key Sets that were fetched, by the address of their source. */
  readonly keySets: ReadonlyMap<string, string>;
  readonly sidecars: readonly Config<SidecarSpec>[];
  /** By "namespace/name". */
  readonly credentials: ReadonlyMap<string, Credential>;
  /** resourceVersion of every object that went in, by "Kind/namespace/name". */
  readonly versions: ReadonlyMap<string, string>;
}

/** A proxy that asks for configuration: who it is and where it runs. */
export interface ProxyNode {
  /** Name under which it is shown: pod.namespace. */
  readonly id: string;
  readonly type: "sidecar" | "router" | "waypoint" | "ztunnel";
  readonly addresses: readonly string[];
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Container ports by name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly version: string;
  /** False if inbound connections do not arrive by redirection (interception mode NONE). */
  readonly intercepts: boolean;
  /** Whether it takes tunnels of HBONE and sends through them (ENABLE_HBONE). */
  readonly hbone: boolean;
  /** Whether its service account may read the Secrets of its namespace. */
  readonly readsSecrets: boolean;
  /** gatewayTopology of its own ProxyConfig. */
  readonly topology?: GatewayTopology;
}

/** Something that a person should know about their configuration; translation goes on without the part. */
export interface ConfigProblem {
  readonly object: Origin;
  readonly message: string;
}
