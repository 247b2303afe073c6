import type { Filter } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import {
  FilterStateValue,
  FilterStateValue_SharedWithUpstream,
} from "#gen/xds/envoy/extensions/filters/common/set_filter_state/v3/value.ts";
import { Config as HttpConfig } from "#gen/xds/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.ts";
import type { HttpFilter } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { Config as NetworkConfig } from "#gen/xds/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.ts";
import { pack } from "../any.ts";
import { state } from "./names.ts";

/** Part of what tells pooled connections apart: two callers never share one. */
const HASHED_TEXT = "envoy.hashable_string";

function value(key: string, format: string, factoryKey = ""): FilterStateValue {
  return FilterStateValue.fromPartial({
    key: { $case: "objectKey", value: key },
    factoryKey,
    value: {
      $case: "formatString",
      value: {
        format: { $case: "textFormatSource", value: { specifier: { $case: "inlineString", value: format } } },
      },
    },
    sharedWithUpstream: FilterStateValue_SharedWithUpstream.ONCE,
  });
}

/** Hands on what a CONNECT says and who sent it: the inner connection has neither an address nor a certificate of its own. */
export const connectAuthority = (): HttpFilter => ({
  name: "connect_authority",
  isOptional: false,
  disabled: false,
  configType: {
    $case: "typedConfig",
    value: pack(
      "envoy.extensions.filters.http.set_filter_state.v3.Config",
      HttpConfig,
      HttpConfig.fromPartial({
        onRequestHeaders: [
          value(state.destination, "%REQ(:AUTHORITY)%"),
          value(state.authority, "%REQ(:AUTHORITY)%", HASHED_TEXT),
          value(state.source, "%DOWNSTREAM_REMOTE_ADDRESS%"),
          value(state.peer, "%DOWNSTREAM_PEER_URI_SAN%", HASHED_TEXT),
          value(state.local, "%DOWNSTREAM_LOCAL_URI_SAN%", HASHED_TEXT),
        ],
      }),
    ),
  },
});

/** Hands the destination on to the tunnel that is opened next. */
export const forwardDestination = (): Filter => ({
  name: "connect_authority",
  configType: {
    $case: "typedConfig",
    value: pack(
      "envoy.extensions.filters.network.set_filter_state.v3.Config",
      NetworkConfig,
      NetworkConfig.fromPartial({
        onNewConnection: [value(state.destination, `%FILTER_STATE(${state.destination}:PLAIN)%`)],
      }),
    ),
  },
});
