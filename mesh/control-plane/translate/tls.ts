import { isIP } from "node:net";
import { DataSource, type TransportSocket } from "#gen/xds/envoy/config/core/v3/base.ts";
import { ApiConfigSource_ApiType, ApiVersion } from "#gen/xds/envoy/config/core/v3/config_source.ts";
import { RawBuffer } from "#gen/xds/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts";
import {
  CertificateValidationContext,
  SubjectAltNameMatcher_SanType,
  TlsCertificate,
  TlsParameters,
  TlsParameters_TlsProtocol,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/common.ts";
import { SdsSecretConfig } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import {
  CommonTlsContext,
  CommonTlsContext_CombinedCertificateValidationContext,
  DownstreamTlsContext,
  UpstreamTlsContext,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { seconds } from "../model/duration.ts";
import { type MeshConfig, trustDomainsOf } from "../model/mesh-config.ts";
import { defaultCipherSuites, type TlsSettings, type TlsVersion, usableCipherSuites } from "../model/tls-settings.ts";
import { pack } from "./any.ts";
import { certificateSecret, rootSecret } from "./secrets.ts";

/** ALPN values by which a proxy recognises another proxy of the mesh. Source: Istio. */
export const meshAlpn = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];
export const meshHttpAlpn = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
export const meshTcpAlpn = ["istio", "istio-peer-exchange"];
export const plainHttpAlpn = ["http/1.1", "h2c"];

/** A secret that the proxy's own agent hands over (its certificate "default", the roots "ROOTCA"). */
function agentSecret(name: string): SdsSecretConfig {
  return SdsSecretConfig.fromPartial({
    name,
    sdsConfig: {
      configSourceSpecifier: {
        $case: "apiConfigSource",
        value: {
          apiType: ApiConfigSource_ApiType.GRPC,
          transportApiVersion: ApiVersion.V3,
          setNodeOnFirstMessageOnly: true,
          grpcServices: [{ targetSpecifier: { $case: "envoyGrpc", value: { clusterName: "sds-grpc" } } }],
        },
      },
      initialFetchTimeout: seconds(0),
      resourceApiVersion: ApiVersion.V3,
    },
  });
}

/** A secret of a gateway that comes over this same stream, such as kubernetes://shop-cert. */
export function streamedSecret(name: string): SdsSecretConfig {
  return SdsSecretConfig.fromPartial({
    name,
    sdsConfig: {
      configSourceSpecifier: { $case: "ads", value: {} },
      // Not 0: what names a Secret that is not there must not keep all the rest waiting for ever.
      resourceApiVersion: ApiVersion.V3,
    },
  });
}

type NameMatch = { readonly exact?: string; readonly prefix?: string };

interface MeshTlsOptions {
  readonly alpn: string[];
  readonly match: readonly NameMatch[];
  readonly settings: TlsSettings;
}

function meshTls({ alpn, match, settings }: MeshTlsOptions): CommonTlsContext {
  return CommonTlsContext.fromPartial({
    tlsParams: tlsParameters({ minProtocolVersion: "TLSV1_2", maxProtocolVersion: "TLSV1_3", ...settings }),
    alpnProtocols: alpn,
    tlsCertificateSdsSecretConfigs: [agentSecret("default")],
    validationContextType: {
      $case: "combinedValidationContext",
      value: {
        defaultValidationContext: {
          matchTypedSubjectAltNames: match.map(({ exact, prefix }) => ({
            sanType: SubjectAltNameMatcher_SanType.URI,
            matcher: {
              matchPattern:
                exact === undefined ? { $case: "prefix", value: prefix ?? "" } : { $case: "exact", value: exact },
            },
          })),
        },
        validationContextSdsSecretConfig: agentSecret("ROOTCA"),
      },
    },
  });
}

const tlsSocket = (typedConfig: ReturnType<typeof pack>): TransportSocket => ({
  name: "envoy.transport_sockets.tls",
  configType: { $case: "typedConfig", value: typedConfig },
});

const upstream = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const downstream = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

export const plainSocket = (): TransportSocket => ({
  name: "envoy.transport_sockets.raw_buffer",
  configType: {
    $case: "typedConfig",
    value: pack("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", RawBuffer, RawBuffer.fromPartial({})),
  },
});

const versions: Readonly<Record<TlsVersion, TlsParameters_TlsProtocol>> = {
  TLS_AUTO: TlsParameters_TlsProtocol.TLS_AUTO,
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
};

/** Versions, ciphers and curves as Envoy is told them. */
export function tlsParameters(settings: TlsSettings): TlsParameters {
  return TlsParameters.fromPartial({
    tlsMinimumProtocolVersion: versions[settings.minProtocolVersion ?? "TLS_AUTO"],
    tlsMaximumProtocolVersion: versions[settings.maxProtocolVersion ?? "TLS_AUTO"],
    cipherSuites: [...usableCipherSuites(settings.cipherSuites)],
    ecdhCurves: [...(settings.ecdhCurves ?? [])],
  });
}

/** Client side of the mesh's mutual TLS. The server's identity must be one of the given ones, if any are known. */
export function meshClientSocket(options: {
  sni: string;
  identities: readonly string[];
  http: boolean;
  /** The mesh's `meshMTLS`. */
  settings: TlsSettings;
}): TransportSocket {
  // Istio's proxies replace the protocols per request; ours and plain Envoy offer what that replacement results in.
  const alpn = options.http ? ["istio-http/1.1", "istio", "http/1.1"] : ["istio-peer-exchange", "istio"];
  const match = options.identities.map((exact) => ({ exact }));
  const commonTlsContext = meshTls({ alpn, match, settings: options.settings });
  return tlsSocket(
    pack(upstream, UpstreamTlsContext, { ...UpstreamTlsContext.fromPartial({ sni: options.sni }), commonTlsContext }),
  );
}

export interface MeshServerOptions {
  readonly mesh: MeshConfig;
  readonly http: boolean;
  /** Which identities of the mesh are let in; none for all of them. */
  readonly identities?: readonly string[];
}

/** Server side of the mesh's mutual TLS: a certificate of one of the mesh's trust domains is required. */
export function meshServerSocket({ mesh, http, identities = [] }: MeshServerOptions): TransportSocket {
  const alpn = http ? ["h2", "http/1.1"] : ["istio-peer-exchange", "h2", "http/1.1"];
  const named = identities.map((exact) => ({ exact }));
  const all = trustDomainsOf(mesh).map((domain) => ({ prefix: `spiffe://${domain}/` }));
  const settings = { cipherSuites: defaultCipherSuites, ...mesh.meshMTLS };
  return serverSocket(meshTls({ alpn, match: named.length > 0 ? named : all, settings }), true);
}

/** Server side of TLS. */
export const serverSocket = (commonTlsContext: CommonTlsContext, requireClientCertificate: boolean): TransportSocket =>
  tlsSocket(
    pack(downstream, DownstreamTlsContext, {
      ...DownstreamTlsContext.fromPartial({ requireClientCertificate }),
      commonTlsContext,
    }),
  );

/** HBONE is spoken over TLS 1.3 only. Source: Istio's description of HBONE. */
const tunnelTls = (identities: readonly string[]): CommonTlsContext =>
  meshTls({
    alpn: ["h2"],
    match: identities.map((prefix) => ({ prefix })),
    settings: { minProtocolVersion: "TLSV1_3", maxProtocolVersion: "TLSV1_3" },
  });

/** Beginnings of the identities of everybody in the mesh. */
export const meshIdentities = (mesh: MeshConfig): readonly string[] =>
  trustDomainsOf(mesh).map((domain) => `spiffe://${domain}/`);

/** Server side of a tunnel of HBONE: a certificate of the mesh is required. */
export const hboneServerSocket = (mesh: MeshConfig): TransportSocket =>
  serverSocket(tunnelTls(meshIdentities(mesh)), true);

/** Client side of a tunnel of HBONE: the server's identity must begin with one of these. */
export const hboneClientSocket = (identities: readonly string[]): TransportSocket =>
  tlsSocket(
    pack(upstream, UpstreamTlsContext, {
      ...UpstreamTlsContext.fromPartial({}),
      commonTlsContext: tunnelTls(identities),
    }),
  );

export interface OriginationOptions {
  readonly sni: string | undefined;
  /** Where the authorities are that the server's certificate may come from; undefined: it is not verified. */
  readonly roots:
    | { readonly file: string; readonly revokedFile: string | undefined }
    | { readonly credentialName: string }
    | undefined;
  readonly identities: readonly string[];
  readonly clientCertificate:
    | { readonly chainFile: string; readonly keyFile: string }
    | { readonly credentialName: string }
    | undefined;
  readonly http2: boolean;
  /** The mesh's `tlsDefaults`. */
  readonly settings: TlsSettings;
}

/** TLS towards a server outside the mesh (DestinationRule tls SIMPLE and MUTUAL). */
export function originationSocket(options: OriginationOptions): TransportSocket {
  const commonTlsContext = {
    ...CommonTlsContext.fromPartial({
      alpnProtocols: options.http2 ? ["h2"] : [],
      ...(Object.keys(options.settings).length === 0 ? {} : { tlsParams: tlsParameters(options.settings) }),
    }),
    ...ownCertificate(options.clientCertificate),
    ...(options.roots === undefined ? {} : validation(options.roots, options.identities)),
  };
  return tlsSocket(
    pack(upstream, UpstreamTlsContext, {
      ...UpstreamTlsContext.fromPartial({ sni: options.sni ?? "" }),
      commonTlsContext,
    }),
  );
}

function ownCertificate(
  certificate: OriginationOptions["clientCertificate"],
): Partial<Pick<CommonTlsContext, "tlsCertificates" | "tlsCertificateSdsSecretConfigs">> {
  if (certificate === undefined) return {};
  if ("credentialName" in certificate)
    return { tlsCertificateSdsSecretConfigs: [streamedSecret(certificateSecret(certificate.credentialName))] };
  const { chainFile, keyFile } = certificate;
  return {
    tlsCertificates: [TlsCertificate.fromPartial({ certificateChain: file(chainFile), privateKey: file(keyFile) })],
  };
}

function validation(
  roots: NonNullable<OriginationOptions["roots"]>,
  identities: readonly string[],
): Pick<CommonTlsContext, "validationContextType"> {
  const own = CertificateValidationContext.fromPartial({ matchTypedSubjectAltNames: namesOf(identities) });
  if ("file" in roots)
    return {
      validationContextType: {
        $case: "validationContext",
        value: {
          ...own,
          trustedCa: DataSource.fromPartial(file(roots.file)),
          ...(roots.revokedFile === undefined ? {} : { crl: DataSource.fromPartial(file(roots.revokedFile)) }),
        },
      },
    };
  const value = CommonTlsContext_CombinedCertificateValidationContext.fromPartial({});
  return {
    validationContextType: {
      $case: "combinedValidationContext",
      value: {
        ...value,
        defaultValidationContext: own,
        validationContextSdsSecretConfig: streamedSecret(rootSecret(roots.credentialName)),
      },
    },
  };
}

/** Matchers for names that a certificate may have; which kind each is shows in its form. */
export const namesOf = (identities: readonly string[]) =>
  identities.map((value) => ({
    sanType: kindOf(value),
    matcher: { matchPattern: { $case: "exact" as const, value } },
  }));

function kindOf(name: string): SubjectAltNameMatcher_SanType {
  if (name.includes("://")) return SubjectAltNameMatcher_SanType.URI;
  return isIP(name) > 0 ? SubjectAltNameMatcher_SanType.IP_ADDRESS : SubjectAltNameMatcher_SanType.DNS;
}

export const file = (value: string) => ({ specifier: { $case: "filename" as const, value } });
