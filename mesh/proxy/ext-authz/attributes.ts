import type { Address } from "#gen/xds/envoy/config/core/v3/address.ts";
import type { CheckRequest } from "#gen/xds/envoy/service/auth/v3/external_auth.ts";
import type { StringTest } from "../../lib/match/string-match.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { CheckedRequest } from "./answer.ts";

export interface AttributeRules {
  /** Names of headers that go along. */
  readonly sends: StringTest;
  readonly packAsBytes: boolean;
  readonly includeTlsSession: boolean;
  /** Filters whose findings go along. */
  readonly metadata: readonly string[];
}

/** What a gRPC authorizer is told of a request. Source: Envoy's API, service.auth.v3.AttributeContext. */
export function requestAttributes({ exchange, body }: CheckedRequest, rules: AttributeRules): CheckRequest {
  const { head, connection } = exchange;
  const lines: readonly (readonly [string, string])[] = [
    [":authority", head.authority],
    [":method", head.method],
    [":path", head.path],
    [":scheme", connection.tls === undefined ? "http" : "https"],
    ...head.entries().filter(([name]) => name !== "host"),
  ];
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) {
    if (!rules.sends(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before},${value}`;
  }
  if (body !== undefined) headers["x-envoy-auth-partial-body"] = String(body.partial);
  const found = rules.metadata.flatMap((name) => {
    const value = exchange.metadata.get(name);
    return value === undefined ? [] : [[name, value as Record<string, unknown>] as const];
  });
  const now = Date.now();
  return {
    attributes: {
      ...peersOf(connection),
      request: {
        time: { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1_000_000 },
        http: {
          id: head.get("x-request-id") ?? "",
          method: head.method,
          headers,
          headerMap: undefined,
          path: head.path,
          host: head.authority,
          scheme: connection.tls === undefined ? "http" : "https",
          query: "",
          fragment: "",
          size: head.contentLength,
          protocol: head.version === 10 ? "HTTP/1.0" : "HTTP/1.1",
          body: body === undefined || rules.packAsBytes ? "" : body.bytes.toString("utf8"),
          rawBody: body !== undefined && rules.packAsBytes ? body.bytes : Buffer.alloc(0),
        },
      },
      contextExtensions: {},
      metadataContext: { filterMetadata: Object.fromEntries(found), typedFilterMetadata: {} },
      tlsSession: rules.includeTlsSession ? { sni: connection.serverName } : undefined,
    },
  };
}

/** What it is told of a connection whose bytes are not HTTP. */
export const connectionAttributes = (connection: DownstreamConnection): CheckRequest => ({
  attributes: { ...peersOf(connection), request: undefined, contextExtensions: {} },
});

function peersOf(connection: DownstreamConnection) {
  const peer = (address: string, port: number, principal: string) => ({
    address: addressOf(address, port),
    service: "",
    labels: {},
    principal,
    certificate: "",
  });
  return {
    source: peer(connection.remoteAddress, connection.remotePort, connection.proof?.peerUri ?? ""),
    destination: peer(connection.destinationAddress, connection.destinationPort, connection.proof?.localUri ?? ""),
  };
}

const addressOf = (address: string, port: number): Address => ({
  address: {
    $case: "socketAddress",
    value: {
      protocol: 0,
      address,
      portSpecifier: { $case: "portValue", value: port },
      resolverName: "",
      ipv4Compat: false,
    },
  },
});
