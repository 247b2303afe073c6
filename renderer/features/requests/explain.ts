import type { RequestEvent } from "#api/rpc/telemetry.ts";

/** Why something went wrong, in plain words. */
export interface Explanation {
  /** What stands for it in the log. */
  readonly sign: string;
  readonly means: string;
  readonly look: string;
}

/** Envoy's response flags, and what to look at. Source: Envoy's access log documentation. */
export const flagTexts: Readonly<Record<string, Omit<Explanation, "sign">>> = {
  UH: {
    means: "no healthy endpoint",
    look: "Are the pods of the chosen subset there and ready? Were they ejected by outlier detection?",
  },
  UF: {
    means: "the connection to the endpoint failed",
    look: "Does the application listen on the port? Do both sides agree on mutual TLS?",
  },
  UO: { means: "overflow: a circuit breaker was open", look: "The connectionPool limits of the DestinationRule." },
  NR: {
    means: "no route matched",
    look: "Hosts and matches of the VirtualService; for a gateway, whether a VirtualService is bound to it.",
  },
  NC: {
    means: "the route names a cluster that does not exist",
    look: "The subset or host in the VirtualService: is it defined by a DestinationRule or Service?",
  },
  URX: {
    means: "every retry failed too",
    look: "The first error of the endpoint; the retry policy only hides short ones.",
  },
  UT: {
    means: "the endpoint took longer than the timeout",
    look: "The timeout of the route, and why the application is slow.",
  },
  UC: {
    means: "the endpoint closed the connection",
    look: "Without mutual TLS here: does a PeerAuthentication of the endpoint demand it (STRICT)? With it: has the endpoint's proxy refused this certificate? Else the application's log: it ended the connection before it answered.",
  },
  UAEX: { means: "an external authorizer refused it", look: "The AuthorizationPolicy with action CUSTOM." },
  DC: { means: "the caller went away", look: "The caller's own timeout." },
  DPE: { means: "the caller did not speak proper HTTP", look: "What the caller sent." },
  DI: { means: "delayed on purpose by fault injection", look: "The fault of the VirtualService." },
  FI: { means: "failed on purpose by fault injection", look: "The fault of the VirtualService." },
  UPE: { means: "the endpoint did not speak proper HTTP", look: "The port's protocol: is its name right?" },
};

type Signs = Pick<RequestEvent, "flags" | "details" | "principal" | "mutualTls" | "reporter" | "configSource">;

/** Everything that the log says about why a request failed; nothing for one that did not. */
export function explanationsOf(request: Signs): readonly Explanation[] {
  const refusal = refusalOf(request);
  if (refusal !== undefined) return [refusal];
  return request.flags
    .split(",")
    .filter((flag) => flag !== "" && flag !== "-")
    .map((sign) => ({ sign, ...(flagTexts[sign] ?? { means: "see Envoy's documentation", look: "" }) }));
}

/** Whether a policy kept the request or connection out. */
export const isRefused = (request: Signs): boolean => refusalOf(request) !== undefined;

/** The name of a rule that leads to an external authorizer says which provider that is. */
function refusedByAuthorizer([, kind, policy = "", reason = ""]: RegExpExecArray): Explanation {
  const parts = /^istio-ext-authz-(.*)-ns\[(.+?)\]-policy\[(.+?)\]-rule\[(\d+)\]$/.exec(policy);
  const authorizer = parts === null ? "the external authorizer" : `the external authorizer ${parts[1]}`;
  const asked =
    parts === null
      ? ""
      : `It is asked because of rule ${Number(parts[4]) + 1} of AuthorizationPolicy ${parts[2]}/${parts[3]}.`;
  if (kind === "denied") return { sign: "UAEX", means: `${authorizer} refuses it`, look: asked };
  const why = reason === "" ? "" : `: ${reason.replaceAll("_", " ")}`;
  return {
    sign: "UAEX",
    means: `${authorizer} gave no answer${why}`,
    look: `${asked} Is its service there and ready?`.trim(),
  };
}

/** "PeerAuthentication namespace/name" from the path that a record names. */
function peerAuthenticationOf(configSource: string): string | undefined {
  const [, namespace, name] = /\/namespaces\/([^/]+)\/peer-authentication\/([^/]+)$/.exec(configSource) ?? [];
  return name === undefined ? undefined : `PeerAuthentication ${namespace}/${name}`;
}

/** Why a handshake failed, by OpenSSL's names of what is wrong with a certificate. */
function tlsFailure(reason: string): Omit<Explanation, "sign"> {
  const certificate: Readonly<Record<string, string>> = {
    CERT_REVOKED: "the other side's certificate is revoked",
    CERT_HAS_EXPIRED: "the other side's certificate has ended",
    CERT_NOT_YET_VALID: "the other side's certificate is not valid yet",
    CRL_HAS_EXPIRED: "the list of revoked certificates has ended, so that nobody can be verified",
    UNABLE_TO_GET_CRL:
      "there is no list of revoked certificates of the authority that signed the other side's certificate",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the other side's certificate is of an authority that is not trusted here",
    SELF_SIGNED_CERT_IN_CHAIN: "the other side's certificate is of an authority that is not trusted here",
    DEPTH_ZERO_SELF_SIGNED_CERT: "the other side's certificate is of an authority that is not trusted here",
    UNABLE_TO_GET_ISSUER_CERT: "the other side's certificate is of an authority that is not trusted here",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the other side's certificate is of an authority that is not trusted here",
  };
  const found = Object.entries(certificate).find(([name]) => reason.includes(name));
  return {
    means: found?.[1] ?? `the TLS handshake failed: ${reason.replaceAll("_", " ")}`,
    look: "Certificates, roots and revoked certificates of both sides (proxies, Certificates).",
  };
}

function refusalOf({ details, principal, reporter, mutualTls, configSource }: Signs): Explanation | undefined {
  const policy = /^rbac_access_denied_matched_policy\[(.*)\]$/.exec(details)?.[1];
  const caller = principal === "" ? "The caller proved no identity." : `The caller is ${principal}.`;
  if (policy === "none") {
    const look = `${caller} Which AuthorizationPolicy of this workload should allow it?`;
    return { sign: "RBAC", means: "no policy allows it", look };
  }
  const bad = /^istio-ext-authz-(.*)-ns\[(.+?)\]-policy\[(.+?)\]-rule\[\d+\]-deny-due-to-bad-CUSTOM-action$/.exec(
    policy ?? "",
  );
  if (bad !== null) {
    const means = `AuthorizationPolicy ${bad[2]}/${bad[3]} asks provider ${bad[1]}, which cannot be asked: so it is refused`;
    return {
      sign: "RBAC",
      means,
      look: "The extensionProviders of MeshConfig: the provider's name, its service and port.",
    };
  }
  if (policy !== undefined) {
    const [, namespace, name, rule] = /^ns\[(.+?)\]-policy\[(.+?)\]-rule\[(\d+)\]$/.exec(policy) ?? [];
    const means =
      name === undefined
        ? `the policy ${policy} refuses it`
        : `rule ${Number(rule) + 1} of AuthorizationPolicy ${namespace}/${name} refuses it`;
    return { sign: "RBAC", means, look: caller };
  }
  const token = /^jwt_authn_access_denied\{(.*)\}$/.exec(details)?.[1];
  if (token !== undefined) {
    const look = "The RequestAuthentication of this workload, and the token that the caller sent.";
    return { sign: "JWT", means: `the token is not good: ${token.replaceAll("_", " ")}`, look };
  }
  const asked = /^ext_authz_(denied|error)(?:_matched_policy\[(.*?)\])?(?:\{(.*)\})?$/.exec(details);
  if (asked !== null) return refusedByAuthorizer(asked);
  if (details === "filter_chain_not_found" && reporter.direction === "inbound" && !mutualTls) {
    const policy = peerAuthenticationOf(configSource);
    return {
      sign: "NR",
      means: `the connection came in plain text, and ${policy ?? "this workload"} demands mutual TLS`,
      look: "Has the caller a sidecar, or is it in the ambient mode? Does a DestinationRule (tls mode DISABLE) make it send plain text?",
    };
  }
  const handshake = /^TLS_error:(.*)$/.exec(details)?.[1];
  if (handshake !== undefined) return { sign: "TLS", ...tlsFailure(handshake) };
  return undefined;
}
