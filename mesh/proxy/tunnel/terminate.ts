import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type Authority, parseAuthority } from "../../lib/hbone/authority.ts";
import { parseSpiffeId } from "../../lib/identity/spiffe.ts";
import type { HttpEnvironment } from "../filters/manager.ts";
import { refusedRecord } from "../filters/refused-record.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { InternalListener, InternalNetwork } from "../internal/network.ts";
import type { Provenance } from "../internal/provenance.ts";
import type { PeerMetadata } from "../request-record.ts";
import type { TunnelTerminator } from "./compile-terminator.ts";

export interface TunnelStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
}

export interface TerminatorContext {
  readonly environment: HttpEnvironment;
  readonly network: InternalNetwork;
}

/** Why a stream is not taken. */
interface Refusal {
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly configSource?: string;
}

/** Takes a stream of a tunnel: what is in it goes on to an internal listener, as if it had come to that one by itself. */
export function terminate(
  terminator: TunnelTerminator,
  connection: DownstreamConnection,
  { request, context }: { readonly request: TunnelStream; readonly context: TerminatorContext },
): void {
  const { stream, headers } = request;
  stream.on("error", () => undefined);
  const target = headers[":authority"];
  const authority = parseAuthority(target);
  const found = judge(terminator, connection, { headers, authority, context });
  if ("status" in found) {
    const { status, flags, details } = found;
    const { direction } = terminator;
    context.environment.sink.record({
      ...refusedRecord(connection, { protocol: "HTTP/2", status, flags, details, direction }),
      method: String(headers[":method"]),
      authority: target ?? "",
      configSource: found.configSource ?? "",
      source: callerOf(headers, connection, context.environment),
    });
    stream.respond({ ":status": status }, { endStream: true });
    return;
  }
  stream.respond({ ":status": 200 });
  found.listener.accept(stream, found.provenance);
}

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly authority: Authority | undefined;
  readonly context: TerminatorContext;
}

function judge(
  { slot, guards, state }: TunnelTerminator,
  connection: DownstreamConnection,
  { headers, authority, context }: Asked,
): Refusal | { readonly listener: InternalListener; readonly provenance: Provenance } {
  // Nothing but CONNECT, and none of its extensions for other protocols.
  if (headers[":method"] !== "CONNECT" || headers[":protocol"] !== undefined)
    return { status: 404, flags: "NR", details: "route_not_found" };
  if (authority === undefined) return { status: 400, flags: "", details: "connect_authority_not_an_address" };
  if (connection.tls === undefined || parseSpiffeId(connection.tls.peerUri) === undefined)
    return { status: 403, flags: "", details: "no_identity" };
  for (const guard of guards) {
    const refused = guard.test(connection, new Map());
    if (refused !== undefined) return { status: 403, ...refused };
  }
  const host = slot.current?.pick({
    hash: undefined,
    destinationAddress: "",
    destinationPort: 0,
    tried: undefined,
    attempts: 0,
  });
  const listener = context.network.find(host?.description.internal?.listener ?? "");
  if (listener === undefined) return { status: 503, flags: "NC", details: "cluster_not_found" };
  const provenance = {
    source: { address: connection.remoteAddress, port: connection.remotePort },
    destination: authority,
    via: undefined,
    tls: connection.tls,
    peer: callerOf(headers, connection, context.environment),
    state: state(headers, connection),
  };
  return { listener, provenance };
}

/** Who calls: by what is proven, and by what it says of itself where that fits. */
function callerOf(
  headers: IncomingHttpHeaders,
  { tls }: DownstreamConnection,
  { peers }: HttpEnvironment,
): PeerMetadata | undefined {
  const id = parseSpiffeId(tls?.peerUri ?? "");
  if (id === undefined) return undefined;
  const { baggage } = headers;
  const said = peers.ofBaggage(Array.isArray(baggage) ? baggage.join(",") : String(baggage ?? ""));
  return said.namespace === id.namespace ? said : { ...said, ...nothing, namespace: id.namespace };
}

const nothing = { workload: "", app: "", version: "", canonicalService: "", canonicalRevision: "" };
