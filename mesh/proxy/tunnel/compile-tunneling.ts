import type { OutgoingHttpHeaders } from "node:http2";
import type { TcpProxy_TunnelingConfig } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { type Authority, authorityOf } from "../../lib/hbone/authority.ts";
import { formatBaggage } from "../../lib/hbone/baggage.ts";
import type { PeerMetadata } from "../request-record.ts";

/** How a connection becomes a stream of a tunnel: the head of its CONNECT request. */
export type Tunneling = (destination: Authority) => OutgoingHttpHeaders;

/** Compiles a TCP proxy's tunnelling. Throws for what is not supported. Source: Envoy's API, TcpProxy.TunnelingConfig. */
export function compileTunneling(config: TcpProxy_TunnelingConfig, self: PeerMetadata): Tunneling {
  if (config.usePost) throw new Error("tunnelling by POST is not supported");
  const own: Record<string, string> = { baggage: baggageOf(self) };
  for (const { header } of config.headersToAdd) {
    const name = header?.key.toLowerCase() ?? "";
    // Istio fills it from what its own filters keep of the workload; here it is known anyway.
    if (name === "baggage") continue;
    if (header?.value.includes("%")) throw new Error(`header ${name} of its tunnels cannot hold ${header.value}`);
    own[name] = header?.value ?? "";
  }
  const { hostname } = config;
  if (hostname === "%DOWNSTREAM_LOCAL_ADDRESS%")
    return (destination) => ({ ":authority": authorityOf(destination), ...own });
  if (hostname.includes("%")) throw new Error(`tunnels cannot lead to ${hostname}`);
  return () => ({ ":authority": hostname, ...own });
}

const baggageOf = (self: PeerMetadata): string =>
  formatBaggage({
    cluster: self.cluster,
    namespace: self.namespace,
    kind: "deployment",
    workload: self.workload,
    service: self.canonicalService,
    version: self.canonicalRevision,
    region: "",
    zone: "",
  });
