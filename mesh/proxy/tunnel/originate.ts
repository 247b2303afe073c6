import type { InternalConnection } from "../internal/network.ts";
import type { Provenance } from "../internal/provenance.ts";
import { chooseSlot, type TcpTarget } from "../tcp/compile-tcp.ts";
import type { Tunneling } from "./compile-tunneling.ts";

/** Opens a stream of a tunnel for a connection. Rejects with what went wrong. */
export async function openTunnel(
  target: TcpTarget & { readonly tunnel: Tunneling },
  { destination, via }: Pick<Provenance, "destination" | "via">,
  random: () => number,
): Promise<InternalConnection> {
  const cluster = chooseSlot(target, random)?.current;
  if (cluster === undefined) throw new Error("cluster_not_found");
  const host = cluster.pick({
    hash: undefined,
    destinationAddress: destination.address,
    destinationPort: destination.port,
    via,
    tried: undefined,
    attempts: 0,
  });
  if (host === undefined) throw new Error("no_healthy_upstream");
  return cluster.openTunnel(host, target.tunnel(destination));
}
