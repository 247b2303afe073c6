import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { spiffeId } from "#api/names.ts";
import { IstioCertificateRequest, IstioCertificateResponse } from "#gen/istio/istio/v1/ca.ts";
import { parseSubjectAltName } from "#mesh/lib/identity/spiffe.ts";
import type { Authenticate, Identity } from "../serve/authenticate.ts";
import type { GrpcService } from "../serve/grpc-server.ts";
import type { LiveAuthority } from "./live.ts";
import type { AuthorizeImpersonation } from "./node-authorizer.ts";
import { RequestError, readSigningRequest } from "./signing-request.ts";

const PATH = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
/** Source: defaults of Istio's CA (DEFAULT_WORKLOAD_CERT_TTL, MAX_WORKLOAD_CERT_TTL). */
const DEFAULT_SECONDS = 24 * 3600;
const MAX_SECONDS = 90 * 24 * 3600;

export interface CaLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface CaServiceOptions {
  readonly authority: LiveAuthority;
  readonly authenticate: Authenticate;
  readonly authorizeImpersonation: AuthorizeImpersonation;
  /** The mesh's own and its aliases; known once the mesh's configuration was read. */
  readonly trustDomains: () => Promise<readonly string[]>;
  readonly log: CaLog;
}

export const caDefinition = {
  createCertificate: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: IstioCertificateRequest) =>
      Buffer.from(IstioCertificateRequest.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => IstioCertificateRequest.decode(bytes),
    responseSerialize: (message: IstioCertificateResponse) =>
      Buffer.from(IstioCertificateResponse.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => IstioCertificateResponse.decode(bytes),
  },
} satisfies ServiceDefinition;

/** Signs certificates for workloads that prove who they are: by their service account's token or a certificate that still holds. */
export function caService(options: CaServiceOptions): GrpcService {
  const createCertificate: handleUnaryCall<IstioCertificateRequest, IstioCertificateResponse> = (call, respond) => {
    void answer(options, call).then(
      (response) => respond(null, response),
      (error: Refusal) => respond(error),
    );
  };
  return { definition: caDefinition, implementation: { createCertificate } };
}

type Refusal = Pick<ServiceError, "code" | "details">;

async function answer(
  { authority, authenticate, authorizeImpersonation, trustDomains, log }: CaServiceOptions,
  call: ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>,
): Promise<IstioCertificateResponse> {
  const peer = call.getPeer();
  const refuse = (code: status, details: string, who = "unknown"): Refusal => {
    log.warn({ peer, who, reason: details }, "refused to sign a certificate");
    return { code, details };
  };
  const domains = await trustDomains();
  let identity: Identity | undefined;
  try {
    identity = await authenticate(credentialsOf(call));
  } catch (error) {
    throw refuse(status.UNAVAILABLE, `the caller's token could not be checked: ${textOf(error)}`);
  }
  if (identity === undefined) {
    throw refuse(
      status.UNAUTHENTICATED,
      "neither a token for the audience istio-ca nor a certificate of the mesh proves who is calling",
    );
  }
  const caller = spiffeId(identity.namespace, identity.serviceAccount, domains[0]);
  const wanted: unknown = call.request.metadata?.ImpersonatedIdentity;
  const impersonation = typeof wanted === "string" ? authorizeImpersonation(identity, wanted) : undefined;
  if (impersonation?.allowed === false) throw refuse(status.PERMISSION_DENIED, impersonation.reason, caller);
  const { namespace, serviceAccount } = impersonation === undefined ? identity : impersonation.identity;
  const id = spiffeId(namespace, serviceAccount, domains[0]);
  // A proxy that started under a former trust domain goes on asking for its name there, and gets the one of today.
  const own = new Set(domains.map((domain) => `URI:${spiffeId(namespace, serviceAccount, domain)}`));
  try {
    const { publicKeyInfo, names } = readSigningRequest(call.request.csr);
    const foreign = names.find((name) => !own.has(name));
    if (foreign !== undefined)
      throw refuse(status.PERMISSION_DENIED, `${id} asked for the name ${foreign}, which is not its own`, id);
    const seconds = lifetimeSeconds(call.request.validityDuration);
    const { chain, notAfter } = authority.current.issue({
      publicKeyInfo,
      altNames: [{ kind: "uri", value: id }],
      lifetimeMs: seconds * 1000,
    });
    log.info({ who: id, by: caller, notAfter: notAfter.toISOString() }, "signed a certificate");
    return { certChain: [...chain] };
  } catch (error) {
    if (error instanceof RequestError) throw refuse(status.INVALID_ARGUMENT, error.message, id);
    if (error instanceof Error) throw refuse(status.INTERNAL, `signing failed: ${error.message}`, id);
    throw error;
  }
}

const lifetimeSeconds = (asked: number): number => (asked <= 0 ? DEFAULT_SECONDS : Math.min(asked, MAX_SECONDS));

function credentialsOf(call: ServerUnaryCall<unknown, unknown>): {
  token: string | undefined;
  certificateUris: readonly string[];
} {
  const [authorization] = call.metadata.get("authorization");
  const token = /^Bearer (\S+)$/i.exec(String(authorization ?? ""))?.[1];
  const certificateUris = parseSubjectAltName(call.getAuthContext().sslPeerCertificate?.subjectaltname).uris;
  return { token, certificateUris };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
