import { DataSource, type TransportSocket } from "#gen/xds/envoy/config/core/v3/base.ts";
import {
  CertificateValidationContext,
  TlsCertificate,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/common.ts";
import {
  CommonTlsContext,
  CommonTlsContext_CombinedCertificateValidationContext,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import type { MeshConfig } from "../model/mesh-config.ts";
import type { ServerTls } from "../model/other-kinds.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import { certificateSecret, rootSecret } from "./secrets.ts";
import { file, meshServerSocket, namesOf, serverSocket, streamedSecret, tlsParameters } from "./tls.ts";

/** Modes in which a client's certificate is verified if there is one. */
const asks: ReadonlySet<ServerTls["mode"]> = new Set(["MUTUAL", "OPTIONAL_MUTUAL"]);

/**
 * TLS that ends at a gateway, with the certificates of Secrets or of files in its pod. Modes SIMPLE, MUTUAL, OPTIONAL_MUTUAL and
 * ISTIO_MUTUAL. Source: ServerTLSSettings of Istio's Gateway.
 * @param http whether HTTP comes out of it
 */
export function gatewaySocket(tls: ServerTls, mesh: MeshConfig, http: boolean): TransportSocket {
  if (tls.mode === "ISTIO_MUTUAL") return meshServerSocket({ mesh, http, identities: tls.subjectAltNames ?? [] });
  const context: CommonTlsContext = {
    ...CommonTlsContext.fromPartial({ alpnProtocols: http ? ["h2", "http/1.1"] : [] }),
    tlsParams: tlsParameters({ minProtocolVersion: "TLSV1_2", ...mesh.tlsDefaults, ...said(tls) }),
    ...certificatesOf(tls),
    ...(asks.has(tls.mode) ? validationOf(tls) : {}),
  };
  return serverSocket(context, tls.mode === "MUTUAL");
}

/** Secrets that hold the server's certificates. */
export const credentialNames = ({ credentialName, credentialNames: several = [] }: ServerTls): readonly string[] =>
  several.length > 0 ? several : credentialName === undefined ? [] : [credentialName];

function certificatesOf(
  tls: ServerTls,
): Partial<Pick<CommonTlsContext, "tlsCertificates" | "tlsCertificateSdsSecretConfigs">> {
  const names = credentialNames(tls);
  if (names.length > 0 || tls.serverCertificate === undefined)
    // Without any, connections fail and say so: a listener without a certificate would be refused as a whole.
    return {
      tlsCertificateSdsSecretConfigs: (names.length > 0 ? names : [""]).map((name) =>
        streamedSecret(certificateSecret(name)),
      ),
    };
  const { serverCertificate, privateKey = "" } = tls;
  return {
    tlsCertificates: [
      TlsCertificate.fromPartial({ certificateChain: file(serverCertificate), privateKey: file(privateKey) }),
    ],
  };
}

/** Authorities of clients: a Secret of their own, that of the certificate (or its companion NAME-cacert), or a file. */
function validationOf(tls: ServerTls): Pick<CommonTlsContext, "validationContextType"> {
  const own = CertificateValidationContext.fromPartial({
    matchTypedSubjectAltNames: namesOf(tls.subjectAltNames ?? []),
    verifyCertificateSpki: [...(tls.verifyCertificateSpki ?? [])],
    verifyCertificateHash: [...(tls.verifyCertificateHash ?? [])],
  });
  const credential = tls.caCertCredentialName ?? credentialNames(tls)[0];
  if (credential === undefined && tls.caCertificates !== undefined)
    return {
      validationContextType: {
        $case: "validationContext",
        value: {
          ...own,
          trustedCa: DataSource.fromPartial(file(tls.caCertificates)),
          ...(tls.caCrl === undefined ? {} : { crl: DataSource.fromPartial(file(tls.caCrl)) }),
        },
      },
    };
  return {
    validationContextType: {
      $case: "combinedValidationContext",
      value: {
        ...CommonTlsContext_CombinedCertificateValidationContext.fromPartial({}),
        defaultValidationContext: own,
        validationContextSdsSecretConfig: streamedSecret(rootSecret(credential ?? "")),
      },
    },
  };
}

/** What the server says itself; the rest is left to defaults. */
const said = ({ minProtocolVersion, maxProtocolVersion, cipherSuites = [] }: ServerTls): TlsSettings => ({
  ...(minProtocolVersion !== undefined && minProtocolVersion !== "TLS_AUTO" && { minProtocolVersion }),
  ...(maxProtocolVersion !== undefined && { maxProtocolVersion }),
  ...(cipherSuites.length > 0 && { cipherSuites }),
});
