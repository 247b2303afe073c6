import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryResponse,
} from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { typeUrlOf, type XdsType } from "../xds/resource.ts";
import type { Incoming, Outgoing, ProxySession } from "./proxy-session.ts";

/** Types of which a request without names means all. Source: Envoy's xDS protocol, "How the client specifies what resources to return". */
const wildcardTypes: ReadonlySet<XdsType> = new Set(["CDS", "LDS", "WDS", "WADS"]);

/** A request of the incremental protocol. */
export function fromDelta(type: XdsType, request: DeltaDiscoveryRequest, isFirst: boolean): Incoming {
  return {
    type,
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: isFirst ? request.initialResourceVersions : {},
    nonce: request.responseNonce,
    error: request.errorDetail?.message,
    wildcard: isFirst && wildcardTypes.has(type) && request.resourceNamesSubscribe.length === 0,
  };
}

/** A request of the state-of-the-world protocol; undefined for one that a newer response has overtaken. */
export function fromState(type: XdsType, request: DiscoveryRequest, session: ProxySession): Incoming | undefined {
  const watch = session.watches.get(type);
  if (watch !== undefined && request.responseNonce !== "" && request.responseNonce !== watch.sentNonce)
    return undefined;
  const wanted = new Set(request.resourceNames);
  const known = watch?.names ?? new Set<string>();
  return {
    type,
    subscribe: [...wanted].filter((name) => !known.has(name)),
    unsubscribe: [...known].filter((name) => !wanted.has(name)),
    initialVersions: {},
    nonce: request.responseNonce,
    error: request.errorDetail?.message,
    wildcard: wildcardTypes.has(type) && wanted.size === 0,
  };
}

export const toDelta = ({ type, changed, removed, nonce, version }: Outgoing): DeltaDiscoveryResponse => ({
  ...DeltaDiscoveryResponse.fromPartial({ typeUrl: typeUrlOf[type], nonce, systemVersionInfo: version }),
  resources: changed.map((resource) => ({
    name: resource.name,
    resourceName: undefined,
    aliases: [],
    version: resource.version,
    resource: resource.body,
    ttl: undefined,
    cacheControl: undefined,
    metadata: undefined,
  })),
  removedResources: [...removed],
});

/** Undefined if there is nothing to say: what is gone of types asked for by name is not mentioned in this protocol. */
export function toState({ type, changed, state, nonce, version }: Outgoing): DiscoveryResponse | undefined {
  const complete = wildcardTypes.has(type);
  const resources = (complete ? state : changed).map(({ body }) => body);
  if (!complete && resources.length === 0) return undefined;
  return { ...DiscoveryResponse.fromPartial({ typeUrl: typeUrlOf[type], nonce, versionInfo: version }), resources };
}
