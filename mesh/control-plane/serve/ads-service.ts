import {
  type handleBidiStreamingCall,
  Metadata,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { parseSubjectAltName } from "#mesh/lib/identity/spiffe.ts";
import type { ProxyNode } from "../model/snapshot.ts";
import { type XdsType, xdsTypeOf } from "../xds/resource.ts";
import type { Authenticate, Identity } from "./authenticate.ts";
import type { Distributor } from "./distributor.ts";
import { parseNode } from "./node.ts";
import { fromDelta, fromState, toDelta, toState } from "./protocol.ts";
import type { ProxyEvents } from "./proxy-events.ts";
import { type Incoming, type Outgoing, ProxySession } from "./proxy-session.ts";
import { grantSecrets, type SecretAccessOptions } from "./secret-access.ts";

const root = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

/** The two methods of aggregated discovery. Source: envoy/service/discovery/v3/ads.proto. */
export const adsDefinition = {
  streamAggregatedResources: {
    path: `${root}/StreamAggregatedResources`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: DiscoveryRequest) => Buffer.from(DiscoveryRequest.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => DiscoveryRequest.decode(bytes),
    responseSerialize: (message: DiscoveryResponse) => Buffer.from(DiscoveryResponse.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => DiscoveryResponse.decode(bytes),
  },
  deltaAggregatedResources: {
    path: `${root}/DeltaAggregatedResources`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: DeltaDiscoveryRequest) => Buffer.from(DeltaDiscoveryRequest.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => DeltaDiscoveryRequest.decode(bytes),
    responseSerialize: (message: DeltaDiscoveryResponse) =>
      Buffer.from(DeltaDiscoveryResponse.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => DeltaDiscoveryResponse.decode(bytes),
  },
} satisfies ServiceDefinition;

export interface AdsOptions {
  readonly distributor: Distributor;
  readonly events: ProxyEvents;
  /** Undefined where callers are not asked who they are: the plaintext port. */
  readonly authenticate: Authenticate | undefined;
  readonly mayReadSecrets: SecretAccessOptions["mayReadSecrets"];
  /** Whether this is the account of a node's proxy, which gets to know every workload. Left out, nobody is. */
  readonly isNodeProxy?: (identity: Identity) => boolean;
  /** Names this process in nonces and versions. */
  readonly instance: string;
  readonly log: Logger;
}

/** Aggregated discovery over the distributor, in both protocols. */
export function adsService(options: AdsOptions): UntypedServiceImplementation {
  const streamAggregatedResources: handleBidiStreamingCall<DiscoveryRequest, DiscoveryResponse> = (call) =>
    serve(options, call, {
      read: (type, request, session) => fromState(type, request, session),
      write: toState,
    });
  const deltaAggregatedResources: handleBidiStreamingCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = (call) =>
    serve(options, call, {
      read: (type, request, session) => fromDelta(type, request, !session.watches.has(type)),
      write: toDelta,
    });
  return { streamAggregatedResources, deltaAggregatedResources };
}

interface Protocol<Request, Response> {
  read(type: NonNullable<ReturnType<typeof xdsTypeOf>>, request: Request, session: ProxySession): Incoming | undefined;
  write(outgoing: Outgoing): Response | undefined;
}

interface AnyRequest {
  readonly typeUrl: string;
  readonly node?: Node | undefined;
}

/** One stream: says who it is with its first request, and is then answered until it ends. */
function serve<Request extends AnyRequest, Response>(
  options: AdsOptions,
  call: ServerDuplexStream<Request, Response>,
  protocol: Protocol<Request, Response>,
): void {
  const queue: Request[] = [];
  let session: ProxySession | undefined;
  let identity: Identity | undefined;
  let secretsAllowed: Promise<void> | undefined;
  let disconnect = (): void => {};
  const ended = new AbortController();
  const end = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    disconnect();
    if (session !== undefined) options.events.disconnected(session);
  };
  const accept = (request: Request): void => {
    const type = xdsTypeOf(request.typeUrl);
    if (session === undefined || type === undefined || ended.signal.aborted) return;
    if (type === "SDS" && identity !== undefined) {
      secretsAllowed ??= grantSecrets(options, session, { identity, signal: ended.signal });
      void secretsAllowed.then(() => answer(type, request));
    } else answer(type, request);
  };
  const answer = (type: XdsType, request: Request): void => {
    if (session === undefined || ended.signal.aborted) return;
    const incoming = protocol.read(type, request, session);
    if (incoming !== undefined) session.request(incoming);
  };
  const open = async (request: Request): Promise<void> => {
    const admitted = await admit(options, call, request.node);
    if (ended.signal.aborted) return;
    identity = admitted.identity;
    const opened = new ProxySession(admitted.node, options.instance, {
      send: (outgoing) => {
        const response = protocol.write(outgoing);
        if (response === undefined) return false;
        call.write(response);
        options.events.sent(opened, outgoing);
        return true;
      },
      rejected: (rejection) => options.events.rejected(opened, rejection),
      synced: (generation) => options.events.synced(opened, generation),
      superseded: () => call.end(),
    });
    session = opened;
    options.events.connected(opened);
    disconnect = options.distributor.connect(opened);
    for (const waiting of queue.splice(0)) accept(waiting);
  };
  call.on("data", (request: Request) => {
    if (session !== undefined) return accept(request);
    queue.push(request);
    if (queue.length > 1) return;
    open(request).catch((error: unknown) => {
      options.log.warn({ peer: call.getPeer(), err: error }, "stream refused");
      ended.abort();
      const code = error instanceof RefusedStream ? error.code : status.UNAVAILABLE;
      call.emit("error", { code, details: messageOf(error), metadata: new Metadata() });
    });
  });
  call.on("cancelled", end);
  call.on("error", end);
  call.on("end", () => {
    end();
    call.end();
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Who the stream is for. A proxy may ask only in the name of its own namespace. */
async function admit<Request, Response>(
  { authenticate, isNodeProxy = () => false }: AdsOptions,
  call: ServerDuplexStream<Request, Response>,
  node: Node | undefined,
): Promise<{ readonly node: ProxyNode; readonly identity: Identity | undefined }> {
  if (node === undefined) throw new RefusedStream(status.INVALID_ARGUMENT, "the first request names no node");
  const proxy = nodeOf(node);
  if (authenticate === undefined) return { node: proxy, identity: undefined };
  const identity = await authenticate(credentialsOf(call));
  if (identity === undefined) {
    throw new RefusedStream(status.UNAUTHENTICATED, "neither a valid token nor a client certificate of the mesh");
  }
  assertNamespace(proxy, identity);
  if (proxy.type === "ztunnel" && !isNodeProxy(identity))
    throw new RefusedStream(
      status.PERMISSION_DENIED,
      `${identity.namespace}/${identity.serviceAccount} is not the account of a node's proxy`,
    );
  return { node: proxy, identity };
}

function nodeOf(node: Node): ProxyNode {
  try {
    return parseNode(node);
  } catch (error) {
    throw new RefusedStream(status.INVALID_ARGUMENT, messageOf(error));
  }
}

/** Why a stream is ended; anything else that goes wrong, such as an API server that does not answer, is worth another try. */
class RefusedStream extends Error {
  override readonly name = "RefusedStream";
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

function assertNamespace(proxy: ProxyNode, identity: Identity): void {
  if (proxy.namespace === identity.namespace) return;
  throw new RefusedStream(
    status.PERMISSION_DENIED,
    `${identity.namespace}/${identity.serviceAccount} may not ask for proxies of namespace ${proxy.namespace}`,
  );
}

function credentialsOf(call: Pick<ServerDuplexStream<unknown, unknown>, "metadata" | "getAuthContext">) {
  const header = String(call.metadata.get("authorization")[0] ?? "");
  const token = /^bearer (.+)$/i.exec(header)?.[1];
  const certificateUris = parseSubjectAltName(call.getAuthContext().sslPeerCertificate?.subjectaltname).uris;
  return { token, certificateUris };
}
