import { Address } from "#gen/xds/envoy/config/core/v3/address.ts";
import { LbEndpoint } from "#gen/xds/envoy/config/endpoint/v3/endpoint_components.ts";

/** A TCP address. */
export const tcpAddress = (address: string, port: number): Address =>
  Address.fromPartial({
    address: { $case: "socketAddress", value: { address, portSpecifier: { $case: "portValue", value: port } } },
  });

/** An endpoint of weight one at an address. */
export const lbEndpointAt = (address: string, port: number): LbEndpoint => ({
  ...LbEndpoint.fromPartial({ loadBalancingWeight: 1 }),
  hostIdentifier: {
    $case: "endpoint",
    value: { address: tcpAddress(address, port), hostname: "", additionalAddresses: [] },
  },
});
