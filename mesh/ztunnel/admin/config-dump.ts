import { X509Certificate } from "node:crypto";
import type { Authorization } from "#gen/istio/istio/security/authorization.ts";
import { Authorization as AuthorizationMessage } from "#gen/istio/istio/security/authorization.ts";
import {
  type GatewayAddress,
  type LoadBalancing,
  LoadBalancing_HealthPolicy,
  LoadBalancing_Mode,
  LoadBalancing_Scope,
  NetworkMode,
  type Service,
  TunnelProtocol,
  type Workload,
  WorkloadStatus,
  WorkloadType,
} from "#gen/istio/istio/workload/workload.ts";
import { certificatesIn, type WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import { isRevoked, type RevocationList } from "#mesh/lib/identity/revocation.ts";
import type { RevocationFile } from "#mesh/lib/identity/revocation-file.ts";
import type { Certificates } from "../certificates.ts";
import { type AddressBook, keyOf } from "../state/address-book.ts";
import { addressText } from "../state/address-text.ts";
import type { Policies } from "../state/policies.ts";
import type { Connections, OpenConnection } from "../telemetry/connections.ts";

export interface DumpSources {
  readonly book: AddressBook;
  readonly policies: Policies;
  readonly certificates: Certificates;
  readonly connections: Connections;
  /** What the mesh's authorities have revoked. */
  readonly revocation: Pick<RevocationFile, "lists">;
  readonly version: string;
  /** How pods' traffic gets here. */
  readonly capture: "iptables" | "ebpf";
}

/** What the node's proxy knows, in the form of Istio's ztunnel: `istioctl ztunnel-config` reads it. */
export function configDump(sources: DumpSources): object {
  const { book, policies, certificates, connections, revocation, version, capture } = sources;
  return {
    version: { version },
    config: { capture },
    workloads: [...book.workloads].map(workloadJson),
    services: [...book.services].map((service) => serviceJson(book, service)),
    policies: [...policies.all].map(policyJson),
    certificates: certificates.all.map(({ spiffeId, certificate }) =>
      certificateJson(spiffeId, certificate, revocation.lists),
    ),
    workloadState: connectionsJson(connections),
  };
}

function workloadJson(workload: Workload): object {
  return {
    uid: workload.uid,
    workloadIps: workload.addresses.map(addressText),
    ...(workload.waypoint === undefined ? {} : { waypoint: gatewayJson(workload.waypoint) }),
    protocol: TunnelProtocol[workload.tunnelProtocol],
    name: workload.name,
    namespace: workload.namespace,
    serviceAccount: workload.serviceAccount,
    workloadName: workload.workloadName,
    workloadType: WorkloadType[workload.workloadType].toLowerCase(),
    canonicalName: workload.canonicalName,
    canonicalRevision: workload.canonicalRevision,
    clusterId: workload.clusterId,
    trustDomain: workload.trustDomain,
    node: workload.node,
    ...(workload.hostname === "" ? {} : { hostname: workload.hostname }),
    ...(workload.locality === undefined ? {} : { locality: workload.locality }),
    networkMode: NetworkMode[workload.networkMode],
    status: WorkloadStatus[workload.status] === "UNHEALTHY" ? "Unhealthy" : "Healthy",
    authorizationPolicies: workload.authorizationPolicies,
    services: Object.keys(workload.services),
  };
}

function serviceJson(book: AddressBook, service: Service): object {
  const endpoints = Object.fromEntries(
    [...book.endpoints(keyOf(service))].map((workload) => [
      workload.uid,
      {
        workloadUid: workload.uid,
        status: WorkloadStatus[workload.status] === "UNHEALTHY" ? "Unhealthy" : "Healthy",
        port: Object.fromEntries(
          (workload.services[keyOf(service)]?.ports ?? []).map((port) => [port.servicePort, port.targetPort]),
        ),
      },
    ]),
  );
  return {
    name: service.name,
    namespace: service.namespace,
    hostname: service.hostname,
    vips: service.addresses.map(({ network, address }) => `${network}/${addressText(address)}`),
    ports: Object.fromEntries(service.ports.map((port) => [port.servicePort, port.targetPort])),
    endpoints,
    subjectAltNames: service.subjectAltNames,
    ...(service.loadBalancing === undefined ? {} : { loadBalancer: loadBalancerJson(service.loadBalancing) }),
    ...(service.waypoint === undefined ? {} : { waypoint: gatewayJson(service.waypoint) }),
  };
}

function loadBalancerJson({ mode, routingPreference, healthPolicy }: LoadBalancing): object {
  return {
    mode: mode === LoadBalancing_Mode.UNSPECIFIED_MODE ? "Standard" : capital(LoadBalancing_Mode[mode]),
    routingPreferences: routingPreference.map((scope) => capital(LoadBalancing_Scope[scope])),
    healthPolicy: healthPolicy === LoadBalancing_HealthPolicy.ALLOW_ALL ? "AllowAll" : "OnlyHealthy",
  };
}

function gatewayJson({ destination, hboneMtlsPort }: GatewayAddress): object {
  switch (destination?.$case) {
    case "hostname":
      return { destination: `${destination.value.namespace}/${destination.value.hostname}`, hboneMtlsPort };
    case "address":
      return {
        destination: `${destination.value.network}/${addressText(destination.value.address)}`,
        hboneMtlsPort,
      };
    case undefined:
      return { hboneMtlsPort };
  }
}

/** Protobuf's JSON form, with `rules` for the groups, as Istio's ztunnel prints them. */
function policyJson(authorization: Authorization): object {
  const { groups: _, ...rest } = AuthorizationMessage.toJSON(authorization) as Record<string, unknown>;
  return {
    ...rest,
    action: capital(authorization.action === 1 ? "DENY" : "ALLOW"),
    scope: ["Global", "Namespace", "WorkloadSelector"][authorization.scope] ?? "Global",
    rules: authorization.groups.map(({ rules }) => rules.map(({ matches }) => matches)),
  };
}

const capital = (word: string): string => word[0] + word.slice(1).toLowerCase();

function certificateJson(
  identity: string,
  certificate: WorkloadCertificate | undefined,
  revoked: readonly RevocationList[],
): object {
  if (certificate === undefined) return { identity, state: "Initializing" };
  const describe = (pem: string): object => describeCertificate(pem, revoked);
  return {
    identity,
    state: "Available",
    certChain: certificatesIn(certificate.chain).map(describe),
    rootCerts: certificatesIn(certificate.roots).map(describe),
  };
}

/** The fields of Istio's ztunnel, and beyond them who is who and whether it is revoked. */
function describeCertificate(pem: string, revoked: readonly RevocationList[]): object {
  const certificate = new X509Certificate(pem);
  const { serialNumber, validFromDate, validToDate, subject, issuer } = certificate;
  return {
    pem: Buffer.from(pem).toString("base64"),
    serialNumber: BigInt(`0x${serialNumber}`).toString(),
    validFrom: validFromDate.toISOString(),
    expirationTime: validToDate.toISOString(),
    subject: subject ?? "",
    issuer: issuer ?? "",
    revoked: isRevoked(revoked, certificate),
  };
}

/** By the pod whose connection it is: "namespace/name". */
function connectionsJson(connections: Connections): object {
  const state: Record<string, { connections: { inbound: object[]; outbound: object[] } }> = {};
  for (const connection of connections.open) {
    const { direction, source, destination } = connection.info;
    const own = direction === "inbound" ? destination.workload : source.workload;
    const key = own === undefined ? "unknown" : `${own.namespace}/${own.name}`;
    state[key] ??= { connections: { inbound: [], outbound: [] } };
    state[key].connections[direction].push(connectionJson(connection));
  }
  return state;
}

function connectionJson({ info: { source, destination, mutualTls, policy } }: OpenConnection): object {
  return {
    src: source.address,
    originalDst: destination.inner ?? destination.address,
    actualDst: destination.address,
    protocol: mutualTls ? "HBONE" : "TCP",
    ...(source.identity === undefined ? {} : { srcIdentity: source.identity }),
    ...(destination.identity === undefined ? {} : { dstIdentity: destination.identity }),
    ...(destination.service === undefined ? {} : { service: destination.service.hostname }),
    ...(policy === undefined ? {} : { policy }),
  };
}
