import type { DownstreamConnection } from "../http1/streams.ts";
import type { RequestRecord } from "../request-record.ts";

export interface Refusal {
  readonly protocol: "HTTP/1.1" | "HTTP/2" | "TCP";
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly direction: RequestRecord["direction"];
}

/** The record of what never became a request: it failed before there was a head or a filter chain. */
export function refusedRecord(connection: DownstreamConnection, refusal: Refusal): RequestRecord {
  return {
    ...refusal,
    startTime: Date.now(),
    durationMs: 0,
    upstreamServiceTimeMs: undefined,
    method: "",
    path: "",
    authority: "",
    bytesReceived: 0,
    bytesSent: 0,
    requestId: "",
    forwardedFor: "",
    userAgent: "",
    traceparent: "",
    routeName: "",
    cluster: "",
    upstreamHost: "",
    upstreamLocalAddress: "",
    downstreamLocalAddress: connection.localText,
    downstreamRemoteAddress: connection.remoteText,
    requestedServerName: connection.serverName,
    attempts: 0,
    upstreamFailure: "",
    sourcePrincipal: connection.proof?.peerUri ?? "",
    destinationPrincipal: connection.proof?.localUri ?? "",
    mutualTls: connection.proof?.mutual === true,
    source: connection.provenance?.peer,
    destination: undefined,
    destinationService: undefined,
    configSource: "",
  };
}
