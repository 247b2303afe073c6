import {
  Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
} from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ApiVersion } from "#gen/xds/envoy/config/core/v3/config_source.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import type { ClientTls, Subset, TrafficPolicy } from "../model/destination-rule.ts";
import { parseDuration, seconds } from "../model/duration.ts";
import { isHttp, isHttp2 } from "../model/protocol.ts";
import type { Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { lbEndpointAt } from "./address.ts";
import { pack } from "./any.ts";
import { internalSocket } from "./hbone/internal.ts";
import type { Memo } from "./memo.ts";
import { configPath, outboundCluster, sniOf } from "./names.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { DestinationRule } from "./scope.ts";
import { serverIdentities } from "./server-identities.ts";
import { meshClientSocket, originationSocket, plainSocket } from "./tls.ts";
import { policyFor, policyParts } from "./traffic-policy.ts";

/** Where the proxies' images keep the public certificate authorities. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

interface Target {
  readonly snapshot: Snapshot;
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: DestinationRule | undefined;
  readonly subset: Subset | undefined;
  /** The client dialled one pod of a headless service and means this one; a gateway, which dials itself, may choose. */
  readonly asDialled: boolean;
  /** Certificates may come from Secrets of the client's namespace. */
  readonly credentials: boolean;
  /** The client may send through tunnels of HBONE. */
  readonly tunnels: boolean;
}

/** Clusters to one port of a service: one for all its endpoints and one for each subset of the rule in force. */
export function buildOutboundClusters(target: Omit<Target, "subset">, memo: Memo): readonly Cluster[] {
  const { snapshot, service, port, rule, asDialled } = target;
  const identities = serverIdentities(snapshot, service, memo);
  return [undefined, ...(rule?.spec.subsets ?? [])].map((subset) => {
    const name = outboundCluster(port.port, subset?.name ?? "", service.hostname);
    // Clients of different namespaces may have different rules for the host: each keeps its own.
    const owner = rule === undefined ? "" : `${rule.origin.namespace}/${rule.origin.name}`;
    return memo.of(
      service,
      `cluster ${asDialled ? "dialled " : ""}${target.credentials ? "credentials " : ""}${target.tunnels ? "tunnels " : ""}${owner} ${name}`,
      [service, port, rule, subset, snapshot.mesh, identities],
      () => buildCluster({ ...target, subset }, identities),
    );
  });
}

function buildCluster(target: Target, identities: readonly string[]): Cluster {
  const { snapshot, service, port, rule, subset } = target;
  const policy = policyFor(rule?.spec.trafficPolicy, subset?.trafficPolicy, port.port);
  const parts = policyParts(policy);
  const passthrough =
    target.asDialled || service.resolution === "none" || parts.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED;
  return Cluster.fromPartial({
    name: outboundCluster(port.port, subset?.name ?? "", service.hostname),
    connectTimeout: parseDuration(snapshot.mesh.connectTimeout),
    ...discovery(target, passthrough),
    ...parts,
    ...(passthrough ? { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED } : {}),
    ...protocolOptions(port, policy),
    ...transport(target, policy.tls, identities),
    metadata: { filterMetadata: { istio: istioMetadata(target) } },
  });
}

function discovery(target: Target, passthrough: boolean): Partial<Cluster> {
  const { service, port, subset } = target;
  const name = outboundCluster(port.port, subset?.name ?? "", service.hostname);
  if (passthrough) return { clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST } };
  if (service.resolution === "dns" || service.resolution === "dns-first") {
    const type = service.resolution === "dns" ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS;
    return {
      clusterDiscoveryType: { $case: "type", value: type },
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_ONLY,
      dnsRefreshRate: seconds(60),
      respectDnsTtl: true,
      loadAssignment: dnsAssignment(name, target),
    };
  }
  return {
    clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: {
      edsConfig: {
        authorities: [],
        configSourceSpecifier: { $case: "ads", value: {} },
        initialFetchTimeout: seconds(0),
        resourceApiVersion: ApiVersion.V3,
      },
      serviceName: name,
    },
  };
}

function dnsAssignment(clusterName: string, { service, port, subset }: Target): ClusterLoadAssignment {
  const targets = service.dnsTargets
    .filter(({ labels }) => subset === undefined || hasLabels(labels, subset.labels ?? {}))
    .map(({ address, ports, weight }) => ({
      address,
      port: ports[port.name] ?? (typeof port.targetPort === "number" ? port.targetPort : port.port),
      weight,
    }));
  return ClusterLoadAssignment.fromPartial({
    clusterName,
    endpoints: [
      {
        locality: {},
        lbEndpoints: targets.map(({ address, port: number, weight }) => ({
          ...lbEndpointAt(address, number),
          loadBalancingWeight: weight,
        })),
        loadBalancingWeight: targets.reduce((sum, { weight }) => sum + weight, 0) || undefined,
      },
    ],
  });
}

function protocolOptions(port: ServicePort, policy: TrafficPolicy): Partial<Cluster> {
  const http = policy.connectionPool?.http;
  const maxRequestsPerConnection = http?.maxRequestsPerConnection || undefined;
  const idleTimeout = http?.idleTimeout ?? policy.connectionPool?.tcp?.idleTimeout;
  const common = {
    maxRequestsPerConnection,
    idleTimeout: idleTimeout === undefined ? undefined : parseDuration(idleTimeout),
  };
  const hasCommon = common.maxRequestsPerConnection !== undefined || common.idleTimeout !== undefined;
  const mode = upstreamMode(port, http);
  if (mode === undefined && !hasCommon) return {};
  const message = {
    ...HttpProtocolOptions.fromPartial(hasCommon ? { commonHttpProtocolOptions: common } : {}),
    upstreamProtocolOptions: (mode ?? HTTP1).upstreamProtocolOptions,
  };
  const options = pack("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", HttpProtocolOptions, message);
  return { typedExtensionProtocolOptions: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options } };
}

const HTTP1 = HttpProtocolOptions.fromPartial({
  upstreamProtocolOptions: {
    $case: "explicitHttpConfig",
    value: { protocolConfig: { $case: "httpProtocolOptions", value: {} } },
  },
});
const HTTP2 = HttpProtocolOptions.fromPartial({
  upstreamProtocolOptions: {
    $case: "explicitHttpConfig",
    value: { protocolConfig: { $case: "http2ProtocolOptions", value: {} } },
  },
});
const AS_DOWNSTREAM = HttpProtocolOptions.fromPartial({
  upstreamProtocolOptions: {
    $case: "useDownstreamProtocolConfig",
    value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
  },
});

type PoolHttp = NonNullable<TrafficPolicy["connectionPool"]>["http"];

function upstreamMode(port: ServicePort, http: PoolHttp): HttpProtocolOptions | undefined {
  if (http?.useClientProtocol === true || port.protocol === "auto") return AS_DOWNSTREAM;
  return isHttp2(port.protocol) || http?.h2UpgradePolicy === "UPGRADE" ? HTTP2 : undefined;
}

/** To endpoints that take HBONE through a tunnel, to others as clients without tunnels do. */
function transport(target: Target, tls: ClientTls | undefined, identities: readonly string[]): Partial<Cluster> {
  const direct = directTransport(target, tls, identities);
  if (!target.tunnels || target.service.external) return direct;
  const { transportSocket = plainSocket(), transportSocketMatches } = direct;
  // The rule's own TLS is for the server and goes on inside the tunnel; the mesh's ends where the tunnel begins.
  const inner = tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL" ? transportSocket : plainSocket();
  return {
    transportSocketMatches: [
      { name: "hbone", match: { tunnel: "http" }, transportSocket: internalSocket(inner, ["host", "cluster"]) },
      ...(transportSocketMatches ?? [{ name: "tlsMode-disabled", match: {}, transportSocket }]),
    ],
  };
}

/** How connections are secured: as the rule says, else mutual TLS to every endpoint that has a proxy. */
function directTransport(target: Target, tls: ClientTls | undefined, identities: readonly string[]): Partial<Cluster> {
  const { snapshot, service, port, subset } = target;
  const http = isHttp(port.protocol);
  const mesh = (names: readonly string[], sni: string) =>
    meshClientSocket({ sni, identities: names, http, settings: snapshot.mesh.meshMTLS });
  const sni = sniOf(port.port, subset?.name ?? "", service.hostname);
  switch (tls?.mode) {
    case "DISABLE":
      return {};
    case "ISTIO_MUTUAL":
      return { transportSocket: mesh(tls.subjectAltNames ?? identities, tls.sni ?? sni) };
    case "SIMPLE":
    case "MUTUAL":
      return { transportSocket: origination(tls, target) };
    case undefined:
      if (!snapshot.mesh.enableAutoMtls || service.external) return {};
      return {
        transportSocketMatches: [
          { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mesh(identities, sni) },
          { name: "tlsMode-disabled", match: {}, transportSocket: plainSocket() },
        ],
      };
  }
}

function origination(tls: ClientTls, { snapshot, service, port, credentials }: Target) {
  const { clientCertificate, privateKey } = tls;
  const credentialName = credentials ? tls.credentialName : undefined;
  const sni = tls.sni ?? (service.hostname.startsWith("*") ? undefined : service.hostname);
  const named = tls.subjectAltNames ?? service.subjectAltNames;
  const mutual = tls.mode === "MUTUAL";
  const files =
    clientCertificate === undefined || privateKey === undefined
      ? undefined
      : { chainFile: clientCertificate, keyFile: privateKey };
  const roots =
    credentialName === undefined
      ? { file: tls.caCertificates ?? SYSTEM_ROOTS, revokedFile: tls.caCrl }
      : { credentialName };
  return originationSocket({
    sni,
    roots: tls.insecureSkipVerify === true ? undefined : roots,
    // A certificate of a trusted authority alone proves nothing: it must be for the name that was meant.
    identities: named.length > 0 || sni === undefined ? named : [sni],
    clientCertificate: credentialName !== undefined && mutual ? { credentialName } : files,
    http2: isHttp2(port.protocol),
    settings: snapshot.mesh.tlsDefaults,
  });
}

function istioMetadata({ service, rule, subset }: Target): Record<string, unknown> {
  return {
    services: [{ host: service.hostname, name: service.name, namespace: service.namespace }],
    ...(rule === undefined ? {} : { config: configPath(rule.origin) }),
    ...(subset === undefined ? {} : { subset: subset.name }),
  };
}
