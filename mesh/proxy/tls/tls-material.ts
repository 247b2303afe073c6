import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import {
  type CertificateValidationContext,
  TlsCertificate,
  type TlsParameters,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/common.ts";
import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { CommonTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { parseRevocationLists, type RevocationList } from "../../lib/identity/revocation.ts";
import { parseSubjectAltName, type SubjectAltNames } from "../../lib/identity/spiffe.ts";
import { StandingPeers } from "../../lib/identity/standing-peers.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import { compileStringMatcher, type StringTest } from "../../lib/match/string-match.ts";
import { bytesOf } from "./data-source.ts";
import type { SecretStore } from "./secret-store.ts";

/** Keys and rules of a TLS context as they are now. */
export interface TlsMaterial {
  readonly context: SecureContext;
  readonly options: SecureContextOptions;
  /** The peer's chain is verified against configured roots. */
  readonly verifies: boolean;
  /** URI SAN of our own certificate, empty without one. */
  readonly localUri: string;
  /** Whether a peer with these names and this certificate may be talked to; it is asked after its chain was verified. */
  accepts(names: SubjectAltNames, peer: PeerCertificateBytes): boolean;
  /** What authorities have revoked; empty where nobody asks. */
  readonly revoked: readonly RevocationList[];
}

/** A certificate and its public key (SubjectPublicKeyInfo), both in DER, made when they are asked for. */
export interface PeerCertificateBytes {
  certificate(): Buffer;
  publicKey(): Buffer;
}

/** Why TLS cannot be spoken yet. */
export interface MissingSecret {
  readonly missing: string;
}

/**
 * One TLS context of the configuration. `current` gives keys for a new connection and makes them anew only when a secret that it
 * uses was replaced.
 */
export class TlsContext {
  readonly alpn: readonly string[];
  readonly #config: CommonTlsContext;
  readonly #secrets: SecretStore;
  readonly #names: readonly string[];
  #generation = -1;
  #used: readonly (Secret | undefined)[] = [];
  #current: TlsMaterial | MissingSecret = { missing: "" };
  /** Connections whose peers have shown certificates. */
  readonly #standing = new StandingPeers();
  #reviewed: readonly RevocationList[] = [];
  #unfollow: (() => void) | undefined;

  constructor(config: CommonTlsContext, secrets: SecretStore) {
    this.#config = config;
    this.#secrets = secrets;
    this.alpn = config.alpnProtocols;
    this.#names = secretNames(config);
  }

  current(): TlsMaterial | MissingSecret {
    if (this.#generation === this.#secrets.generation && "context" in this.#current) return this.#current;
    this.#generation = this.#secrets.generation;
    const used = this.#names.map((name) => this.#secrets.get(name));
    const same = used.length === this.#used.length && used.every((secret, index) => secret === this.#used[index]);
    if (same && "context" in this.#current) return this.#current;
    this.#used = used;
    const missing = this.#names.find((_name, index) => used[index] === undefined);
    this.#current = missing === undefined ? this.#build() : { missing: `secret ${missing} is not supplied by SDS` };
    return this.#current;
  }

  /** Keeps an eye on a connection whose peer has shown a certificate: when that is revoked, it ends. */
  watch(socket: TLSSocket): void {
    if (this.#standing.size === 0) {
      const material = this.current();
      this.#reviewed = "context" in material ? material.revoked : [];
      this.#unfollow = this.#secrets.onChange(() => this.#review());
    }
    this.#standing.add(socket, () => {
      if (this.#standing.size === 0) this.#unfollow?.();
    });
  }

  #review(): void {
    const material = this.current();
    const revoked = "context" in material ? material.revoked : this.#reviewed;
    if (sameLists(revoked, this.#reviewed)) return;
    this.#reviewed = revoked;
    this.#standing.endRevoked(revoked);
  }

  /** A file that is not there or keys that do not fit fail the connections that need them, and nothing else. */
  #build(): TlsMaterial | MissingSecret {
    try {
      return build(this.#config, this.#secrets);
    } catch (error) {
      return { missing: error instanceof Error ? error.message : String(error) };
    }
  }
}

const sameLists = (a: readonly RevocationList[], b: readonly RevocationList[]): boolean =>
  a.length === b.length && a.every(({ pem }, index) => pem === b[index]?.pem);

function secretNames(config: CommonTlsContext): readonly string[] {
  const names = config.tlsCertificateSdsSecretConfigs.map((secret) => secret.name);
  const validation = config.validationContextType;
  if (validation?.$case === "validationContextSdsSecretConfig") names.push(validation.value.name);
  if (
    validation?.$case === "combinedValidationContext" &&
    validation.value.validationContextSdsSecretConfig !== undefined
  ) {
    names.push(validation.value.validationContextSdsSecretConfig.name);
  }
  return names;
}

function build(config: CommonTlsContext, secrets: SecretStore): TlsMaterial {
  const pairs = [
    ...config.tlsCertificates,
    ...config.tlsCertificateSdsSecretConfigs.map((secret) => certificateOf(secrets.get(secret.name))),
  ].flatMap(({ certificateChain, privateKey }) =>
    certificateChain === undefined || privateKey === undefined
      ? []
      : [{ cert: bytesOf(certificateChain), key: bytesOf(privateKey) }],
  );
  const validations = validationsOf(config, secrets);
  const roots = validations.map((one) => one.trustedCa).find((source) => source !== undefined);
  const revoked = parseRevocationLists(
    validations.flatMap(({ crl }) => (crl === undefined ? [] : [bytesOf(crl).toString()])).join("\n"),
  );
  const options: SecureContextOptions = {
    ...versionsOf(config.tlsParams),
    ...ciphersOf(config.tlsParams),
    // Several are of different kinds of key (RSA, ECDSA); the peer's hello decides which is shown.
    ...(pairs.length === 0 ? {} : { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) }),
    ...(roots === undefined ? {} : { ca: bytesOf(roots) }),
    ...(revoked.length === 0 ? {} : { crl: revoked.map(({ pem }) => pem) }),
  };
  const tests = validations.flatMap(sanTests);
  const pinned = pinTest(validations);
  return {
    context: createSecureContext(options),
    options,
    verifies: roots !== undefined,
    revoked,
    localUri: localUriOf(pairs[0]?.cert),
    accepts: (names, peer) =>
      pinned(peer) &&
      (tests.length === 0 ||
        [...names.uris, ...names.dns, ...names.addresses].some((name) => tests.some((test) => test(name)))),
  };
}

function certificateOf(secret: Secret | undefined): TlsCertificate {
  return secret?.type?.$case === "tlsCertificate" ? secret.type.value : TlsCertificate.fromPartial({});
}

function localUriOf(chain: Buffer | undefined): string {
  if (chain === undefined) return "";
  return parseSubjectAltName(new X509Certificate(chain).subjectAltName).uris[0] ?? "";
}

/** The default and the delivered validation context count together, as in Envoy's combined context. */
function validationsOf(config: CommonTlsContext, secrets: SecretStore): readonly CertificateValidationContext[] {
  const delivered = (name: string | undefined): readonly CertificateValidationContext[] => {
    const secret = name === undefined ? undefined : secrets.get(name);
    return secret?.type?.$case === "validationContext" ? [secret.type.value] : [];
  };
  const validation = config.validationContextType;
  switch (validation?.$case) {
    case "validationContext":
      return [validation.value];
    case "validationContextSdsSecretConfig":
      return delivered(validation.value.name);
    case "combinedValidationContext": {
      const { defaultValidationContext: own, validationContextSdsSecretConfig: secret } = validation.value;
      return [...(own === undefined ? [] : [own]), ...delivered(secret?.name)];
    }
    default:
      return [];
  }
}

function sanTests(context: CertificateValidationContext): readonly StringTest[] {
  const regexes = new RegexCache();
  return [
    ...context.matchSubjectAltNames.map((matcher) => compileStringMatcher(matcher, regexes)),
    ...context.matchTypedSubjectAltNames.flatMap(({ matcher }) =>
      matcher === undefined ? [] : [compileStringMatcher(matcher, regexes)],
    ),
  ];
}

/**
 * Whether a peer's certificate is one of those that are named by their hash (in hexadecimal), or its key one of those named by
 * theirs (in base64), if any are. One of either is enough. Source: Envoy's CertificateValidationContext.
 */
function pinTest(validations: readonly CertificateValidationContext[]): (peer: PeerCertificateBytes) => boolean {
  const hashes = validations.flatMap(({ verifyCertificateHash }) =>
    verifyCertificateHash.map((hash) => hash.replaceAll(":", "").toLowerCase()),
  );
  const keys = validations.flatMap(({ verifyCertificateSpki }) => verifyCertificateSpki);
  if (hashes.length === 0 && keys.length === 0) return () => true;
  const sha256 = (bytes: Buffer, encoding: "hex" | "base64"): string =>
    createHash("sha256").update(bytes).digest(encoding);
  return (peer) =>
    (hashes.length > 0 && hashes.includes(sha256(peer.certificate(), "hex"))) ||
    (keys.length > 0 && keys.includes(sha256(peer.publicKey(), "base64")));
}

const modernSuites = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

/** The suites that are named are those of TLS 1.2; those of 1.3 are fixed. */
function ciphersOf(parameters: TlsParameters | undefined): Pick<SecureContextOptions, "ciphers" | "ecdhCurve"> {
  const { cipherSuites = [], ecdhCurves = [] } = parameters ?? {};
  return {
    ...(cipherSuites.length === 0
      ? {}
      : {
          ciphers: [...modernSuites, ...cipherSuites.flatMap((suite) => suite.replace(/[[\]]/g, "").split("|"))].join(
            ":",
          ),
        }),
    ...(ecdhCurves.length === 0 ? {} : { ecdhCurve: ecdhCurves.join(":") }),
  };
}

const versions: readonly (string | undefined)[] = [undefined, "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** Never below TLS 1.2, whatever is asked for. */
function versionsOf(parameters: TlsParameters | undefined): Pick<SecureContextOptions, "minVersion" | "maxVersion"> {
  const minimum = versions[parameters?.tlsMinimumProtocolVersion ?? 0];
  const maximum = versions[parameters?.tlsMaximumProtocolVersion ?? 0];
  return {
    minVersion: minimum === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2",
    maxVersion: maximum === "TLSv1.2" ? "TLSv1.2" : "TLSv1.3",
  };
}
