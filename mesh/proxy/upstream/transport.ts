import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { TransportSocket } from "#gen/xds/envoy/config/core/v3/base.ts";
import { InternalUpstreamTransport } from "#gen/xds/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.ts";
import { CommonTlsContext, UpstreamTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import type { SecretStore } from "../tls/secret-store.ts";
import { TlsContext } from "../tls/tls-material.ts";

/** How a connection to a host is secured. Undefined stands for plaintext. */
export interface UpstreamTls {
  readonly context: TlsContext;
  readonly sni: string;
  /** Both sides show certificates of the mesh. */
  readonly mutual: boolean;
}

/** What the handshake with a host has proven. Names are empty without TLS. */
export interface UpstreamProof {
  /** URI SAN of the host's certificate. */
  readonly peerUri: string;
  /** URI SAN of our own. */
  readonly localUri: string;
  readonly mutual: boolean;
}

export const unproven: UpstreamProof = { peerUri: "", localUri: "", mutual: false };

export type TransportChooser = (match: Readonly<Record<string, unknown>>) => UpstreamTls | undefined;

/** Compiles a cluster's transport sockets: the first whose every field an endpoint's metadata has, else the cluster's own. */
export function compileTransport(cluster: Cluster, secrets: SecretStore): TransportChooser {
  const fallback = compileSocket(cluster.transportSocket, secrets);
  const matches = cluster.transportSocketMatches.map((one) => ({
    fields: Object.entries(one.match ?? {}),
    tls: compileSocket(one.transportSocket, secrets),
  }));
  if (matches.length === 0) return () => fallback;
  return (metadata) => {
    const found = matches.find((one) => one.fields.every(([name, value]) => metadata[name] === value));
    return found === undefined ? fallback : found.tls;
  };
}

function compileSocket(socket: TransportSocket | undefined, secrets: SecretStore): UpstreamTls | undefined {
  const config = socket?.configType?.value;
  if (config === undefined || config.typeUrl.endsWith(".RawBuffer")) return undefined;
  // Connections to internal listeners bring their origin along by themselves: only what it wraps counts.
  if (config.typeUrl.endsWith(".InternalUpstreamTransport"))
    return compileSocket(InternalUpstreamTransport.decode(config.value).transportSocket, secrets);
  if (!config.typeUrl.endsWith(".UpstreamTlsContext"))
    throw new Error(`transport socket ${config.typeUrl} is not supported`);
  const tls = UpstreamTlsContext.decode(config.value);
  const common = tls.commonTlsContext ?? CommonTlsContext.fromPartial({});
  const mutual = common.tlsCertificateSdsSecretConfigs.length > 0 || common.tlsCertificates.length > 0;
  return { context: new TlsContext(common, secrets), sni: tls.sni, mutual };
}
