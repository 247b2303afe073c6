import type { AccessLog } from "#gen/xds/envoy/config/accesslog/v3/accesslog.ts";
import type { SubstitutionFormatString } from "#gen/xds/envoy/config/core/v3/substitution_format_string.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { FileAccessLog } from "#gen/xds/envoy/extensions/access_loggers/file/v3/file.ts";
import { StdoutAccessLog } from "#gen/xds/envoy/extensions/access_loggers/stream/v3/stream.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { compileJson, compileText, type Operator, type Operators } from "#mesh/lib/access-log/format.ts";
import type { LineWriter } from "#mesh/lib/access-log/writer.ts";
import type { RequestRecord, RequestSink } from "../request-record.ts";
import { filterChains } from "./connection-managers.ts";

/** Istio's default text format. Source: its documentation of access logs. */
export const istioFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

type Write = (record: RequestRecord) => string;

/** Writes the access log that the listeners ask for; nothing when they ask for none. */
export class AccessLogSink implements RequestSink {
  readonly #writer: LineWriter;
  #http: Write | undefined;
  #tcp: Write | undefined;

  constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  record(record: RequestRecord): void {
    const write = record.protocol === "TCP" ? this.#tcp : this.#http;
    if (write !== undefined) this.#writer.write(write(record));
  }

  /** Reads what the listeners in force say. Istio gives all of them the same log, so the first one found decides. */
  configure(listeners: Iterable<Listener>): void {
    const http: AccessLog[] = [];
    const tcp: AccessLog[] = [];
    for (const listener of listeners) {
      for (const filter of filterChains(listener).flatMap((chain) => chain.filters)) {
        if (filter.configType?.$case !== "typedConfig") continue;
        const { typeUrl, value } = filter.configType.value;
        if (typeUrl.endsWith(".HttpConnectionManager")) http.push(...HttpConnectionManager.decode(value).accessLog);
        else if (typeUrl.endsWith(".TcpProxy")) tcp.push(...TcpProxy.decode(value).accessLog);
      }
      if (http.length > 0 && tcp.length > 0) break;
    }
    this.#http = compileFirst(http);
    // Connections that never became requests are told of also where all is HTTP.
    this.#tcp = compileFirst(tcp) ?? this.#http;
  }
}

function compileFirst(logs: readonly AccessLog[]): Write | undefined {
  for (const log of logs) {
    if (log.configType?.$case !== "typedConfig") continue;
    const { typeUrl, value } = log.configType.value;
    if (typeUrl.endsWith(".StdoutAccessLog")) {
      return compileFormat(StdoutAccessLog.decode(value).accessLogFormat?.value);
    }
    if (typeUrl.endsWith(".FileAccessLog")) return compileFile(FileAccessLog.decode(value));
  }
  return undefined;
}

function compileFile(file: FileAccessLog): Write {
  const format = file.accessLogFormat;
  switch (format?.$case) {
    case "format":
      return compileText(format.value, operators);
    case "jsonFormat":
    case "typedJsonFormat":
      return compileJson(format.value ?? {}, operators);
    case "logFormat":
      return compileFormat(format.value);
    case undefined:
      return compileText(istioFormat, operators);
  }
}

function compileFormat(source: SubstitutionFormatString | undefined): Write {
  const format = source?.format;
  switch (format?.$case) {
    case "textFormat":
      return compileText(format.value, operators);
    case "jsonFormat":
      return compileJson(format.value ?? {}, operators);
    case "textFormatSource": {
      const text = format.value.specifier;
      return compileText(text?.$case === "inlineString" ? text.value : istioFormat, operators);
    }
    case undefined:
      return compileText(istioFormat, operators);
  }
}

/** Durations are whole milliseconds in Envoy's log. */
const ms = (value: number): number => Math.round(value);

const plain: Readonly<Record<string, Operator<RequestRecord>>> = {
  START_TIME: (record) => new Date(record.startTime).toISOString(),
  PROTOCOL: (record) => (record.protocol === "TCP" ? "" : record.protocol),
  RESPONSE_CODE: (record) => record.status,
  RESPONSE_FLAGS: (record) => record.flags,
  RESPONSE_CODE_DETAILS: ({ protocol, details }) => (protocol === "TCP" ? "" : details),
  // Why a connection was not let in; for requests there are the response code's details.
  CONNECTION_TERMINATION_DETAILS: ({ protocol, details }) => (protocol === "TCP" ? details : ""),
  UPSTREAM_TRANSPORT_FAILURE_REASON: (record) => record.upstreamFailure,
  BYTES_RECEIVED: (record) => record.bytesReceived,
  BYTES_SENT: (record) => record.bytesSent,
  DURATION: (record) => ms(record.durationMs),
  RESPONSE_DURATION: (record) => (record.upstreamServiceTimeMs === undefined ? "" : ms(record.upstreamServiceTimeMs)),
  UPSTREAM_HOST: (record) => record.upstreamHost,
  UPSTREAM_CLUSTER: (record) => record.cluster,
  UPSTREAM_CLUSTER_RAW: (record) => record.cluster,
  UPSTREAM_LOCAL_ADDRESS: (record) => record.upstreamLocalAddress,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (record) => record.attempts,
  DOWNSTREAM_LOCAL_ADDRESS: (record) => record.downstreamLocalAddress,
  DOWNSTREAM_REMOTE_ADDRESS: (record) => record.downstreamRemoteAddress,
  DOWNSTREAM_PEER_URI_SAN: (record) => (record.direction === "inbound" ? record.sourcePrincipal : ""),
  UPSTREAM_PEER_URI_SAN: (record) => (record.direction === "inbound" ? "" : record.destinationPrincipal),
  REQUESTED_SERVER_NAME: (record) => record.requestedServerName,
  ROUTE_NAME: (record) => record.routeName,
};

const requestHeaders: Readonly<Record<string, Operator<RequestRecord>>> = {
  ":METHOD": (record) => record.method,
  ":PATH": (record) => record.path,
  ":AUTHORITY": (record) => record.authority,
  "X-ENVOY-ORIGINAL-PATH": (record) => record.path,
  "X-FORWARDED-FOR": (record) => record.forwardedFor,
  "USER-AGENT": (record) => record.userAgent,
  "X-REQUEST-ID": (record) => record.requestId,
  TRACEPARENT: (record) => record.traceparent,
};

const responseHeaders: Readonly<Record<string, Operator<RequestRecord>>> = {
  "X-ENVOY-UPSTREAM-SERVICE-TIME": (record) =>
    record.upstreamServiceTimeMs === undefined ? "" : ms(record.upstreamServiceTimeMs),
};

/** The operators that a record can answer; headers other than the record's own are not kept by the data plane. */
const operators: Operators<RequestRecord> = {
  find: (name, argument) => {
    if (name === "REQ") return firstOf(requestHeaders, argument);
    if (name === "RESP") return firstOf(responseHeaders, argument);
    return plain[name];
  },
};

/** `A?B` is the header A, or B where A is missing. */
function firstOf(
  table: Readonly<Record<string, Operator<RequestRecord>>>,
  argument = "",
): Operator<RequestRecord> | undefined {
  const found = argument
    .toUpperCase()
    .split("?")
    .map((name) => table[name])
    .filter((one) => one !== undefined);
  const [first, second] = found;
  if (first === undefined || second === undefined) return first;
  return (record) => first(record) || second(record);
}
