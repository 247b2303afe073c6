import type { Authorization } from "#gen/istio/istio/security/authorization.ts";
import type { Address } from "#gen/istio/istio/workload/workload.ts";
import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { ProxyNode, Snapshot } from "../model/snapshot.ts";
import { translateZtunnel } from "./ambient/ztunnel.ts";
import type { Memo } from "./memo.ts";
import { type OutboundContext, sourceKeyOf } from "./outbound-routes.ts";
import { translateRouter } from "./router.ts";
import { scopeOf } from "./scope.ts";
import { translateSecrets } from "./secrets.ts";
import { translateSidecar } from "./sidecar.ts";
import { translateWaypoint } from "./waypoint/waypoint.ts";

/** What an Envoy is told, by resource name. Equal inputs give the very same objects as long as the memo remembers them. */
export interface EnvoyResources {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
}

/** What a ztunnel is told, by resource name. */
export interface AmbientResources {
  readonly addresses: ReadonlyMap<string, Address>;
  readonly authorizations: ReadonlyMap<string, Authorization>;
}

export interface ProxyResources extends EnvoyResources, AmbientResources {
  readonly secrets: ReadonlyMap<string, Secret>;
}

const noAmbient: AmbientResources = { addresses: new Map(), authorizations: new Map() };
const noEnvoy: EnvoyResources = { clusters: new Map(), endpoints: new Map(), listeners: new Map(), routes: new Map() };

/** Computes a proxy's configuration from a snapshot. Pure: no clock, no socket; the memo only saves work. */
export function translate(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): ProxyResources {
  if (proxy.type === "ztunnel") return { ...noEnvoy, ...translateZtunnel(snapshot, memo), secrets: new Map() };
  const scope = scopeOf(snapshot, proxy, memo);
  const context = { snapshot, proxy, memo, scope, sourceKey: sourceKeyOf(snapshot, proxy, memo) };
  return { ...translateEnvoy(context), ...noAmbient, secrets: translateSecrets(snapshot, proxy, memo) };
}

function translateEnvoy(context: OutboundContext): EnvoyResources {
  switch (context.proxy.type) {
    case "sidecar":
      return translateSidecar(context);
    case "waypoint":
      return translateWaypoint(context);
    default:
      return translateRouter(context);
  }
}
