import type { UpstreamReset } from "../http1/streams.ts";
import type { LocalReply } from "./filter.ts";

const prefix = "upstream connect error or disconnect/reset before headers. reset reason:";
const underscored = (text: string): string => text.replace(/ /g, "_");

/** Answers for everything that can go wrong between the proxy and a host, in Envoy's words. */
export const upstreamFailures = {
  noHost: { status: 503, body: "no healthy upstream", flags: "UH", details: "no_healthy_upstream" },
  timeout: { status: 504, body: "upstream request timeout", flags: "UT", details: "response_timeout" },
  tryTimeout: { status: 504, body: "upstream request timeout", flags: "UT", details: "upstream_per_try_timeout" },
  overflow: {
    status: 503,
    body: `${prefix} overflow`,
    flags: "UO",
    details: "upstream_reset_before_response_started{overflow}",
    headers: [["x-envoy-overloaded", "true"]],
  },
} as const satisfies Record<string, LocalReply>;

/** The host could not be reached; `reason` is the transport's. */
export function connectFailure(reason: string): LocalReply {
  const timeout = reason === "connection timeout";
  const what = timeout ? reason : "remote connection failure";
  return {
    status: 503,
    body: timeout ? `${prefix} ${what}` : `${prefix} ${what}, transport failure reason: ${reason}`,
    flags: "UF",
    details: `upstream_reset_before_response_started{${underscored(timeout ? what : `${what}|${reason}`)}}`,
  };
}

/** The connection broke before there was an answer. */
export function resetFailure(reason: UpstreamReset): LocalReply {
  const protocol = reason === "protocol_error";
  return {
    status: protocol ? 502 : 503,
    body: `${prefix} ${reason.replace("_", " ")}`,
    flags: protocol ? "UPE" : "UC",
    details: `upstream_reset_before_response_started{${reason}}`,
  };
}
