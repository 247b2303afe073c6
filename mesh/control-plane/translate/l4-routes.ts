import type { Snapshot } from "../model/snapshot.ts";
import { type ClusterNaming, destinationsFor } from "./destinations.ts";
import type { TcpTarget } from "./http-connection.ts";
import { BLACK_HOLE } from "./names.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { Destinations } from "./route-action.ts";
import type { Scope, VirtualService } from "./scope.ts";

/** Who asks for a VirtualService's TCP and TLS routes, and on which port. */
export interface L4Client {
  readonly snapshot: Snapshot;
  readonly scope: Scope;
  readonly port: number;
  /** "mesh" for sidecars, else the gateway ("namespace/name"). */
  readonly gateway: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nameOf?: ClusterNaming;
}

type TcpRoute = NonNullable<VirtualService["spec"]["tcp"]>[number];
type L4Match = NonNullable<TcpRoute["match"]>[number];

/** Where a connection goes that fits no name: the first TCP route whose match holds for every address. */
export function tcpTarget(client: L4Client, virtualService: VirtualService | undefined): TcpTarget | undefined {
  if (virtualService === undefined) return undefined;
  const route = (virtualService.spec.tcp ?? []).find(
    ({ match }) =>
      match === undefined ||
      match.length === 0 ||
      match.some((one) => applies(one, client, virtualService) && one.destinationSubnets === undefined),
  );
  return route?.route === undefined ? undefined : weighted(route.route, destinations(client, virtualService));
}

export interface NamedTarget {
  /** Server names of the client's hello. */
  readonly names: readonly string[];
  /** Ranges that the dialled address must be in; none for any. */
  readonly ranges: readonly string[];
  readonly target: TcpTarget;
}

/** Where TLS connections go by the name that the client asks for, in the VirtualService's order. */
export function tlsTargets(client: L4Client, virtualService: VirtualService | undefined): readonly NamedTarget[] {
  if (virtualService === undefined) return [];
  const resolved = destinations(client, virtualService);
  return (virtualService.spec.tls ?? []).flatMap(({ match, route }) =>
    match
      .filter((one) => applies(one, client, virtualService))
      .flatMap(({ sniHosts, destinationSubnets = [] }) =>
        route === undefined || sniHosts.length === 0
          ? []
          : [{ names: sniHosts, ranges: destinationSubnets, target: weighted(route, resolved) }],
      ),
  );
}

/** Port, gateways, and what is known of the one who calls; labels and namespaces only in the caller's own sidecar. */
function applies(match: L4Match, client: L4Client, { origin }: VirtualService): boolean {
  if ((match.port ?? client.port) !== client.port) return false;
  const gateways = match.gateways ?? [];
  const named = gateways.map((name) => (name === "mesh" || name.includes("/") ? name : `${origin.namespace}/${name}`));
  if (named.length > 0 && !named.includes(client.gateway)) return false;
  if (client.gateway !== "mesh") return true;
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== client.namespace) return false;
  return hasLabels(client.labels, match.sourceLabels ?? {});
}

const destinations = ({ snapshot, scope, port, nameOf }: L4Client, virtualService: VirtualService): Destinations =>
  destinationsFor(snapshot, scope, { virtualService, port, ...(nameOf === undefined ? {} : { nameOf }) });

/** The clusters of weighted layer 4 destinations; a single one needs no weight. */
function weighted(targets: NonNullable<TcpRoute["route"]>, resolved: Destinations): TcpTarget {
  const clusters = targets.map(({ destination, weight }) => ({
    cluster: resolved.cluster(destination),
    weight: weight ?? 0,
  }));
  return clusters.length === 1 ? (clusters[0]?.cluster ?? BLACK_HOLE) : clusters.filter(({ weight }) => weight > 0);
}
