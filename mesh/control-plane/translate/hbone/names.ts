/** Names of the listeners and clusters of HBONE, as Istio writes them. */
export const CONNECT_TERMINATE = "connect_terminate";
export const MAIN_INTERNAL = "main_internal";
export const CONNECT_ORIGINATE = "connect_originate";
export const ENCAP = "encap";

/** Metadata of an endpoint, and the filter that reads it: where a connection that comes to an internal listener wants to go. */
export const ORIGINAL_DESTINATION = "envoy.filters.listener.original_dst";

/** State that a tunnel hands to the connections inside. */
export const state = {
  /** The tunnel's destination, which the inner connection takes for the address that was dialled. */
  destination: "envoy.filters.listener.original_dst.local_ip",
  source: "envoy.filters.listener.original_dst.remote_ip",
  authority: "io.istio.connect_authority",
  /** Identities of the tunnel's two ends. */
  peer: "io.istio.peer_principal",
  local: "io.istio.local_principal",
} as const;
