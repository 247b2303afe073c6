import { expect, test } from "vitest";
import { resourcesOf } from "./model.ts";

test("names of resources, however deep the dump wraps them", () => {
  const dump = {
    configs: [
      {
        "@type": "ListenersConfigDump",
        dynamic_listeners: [{ active_state: { listener: { name: "virtualInbound" } } }],
      },
      {
        "@type": "RoutesConfigDump",
        static_route_configs: [],
        dynamic_route_configs: [{ route_config: { name: "80" } }],
      },
      {
        "@type": "EndpointsConfigDump",
        dynamic_endpoint_configs: [{ endpoint_config: { cluster_name: "outbound|80" } }],
      },
      { "@type": "BootstrapConfigDump", bootstrap: { node: { id: "sidecar" } } },
    ],
  };
  expect(resourcesOf(dump).map(({ name }) => name)).toEqual([
    "virtualInbound",
    "80",
    "outbound|80",
    "BootstrapConfigDump",
  ]);
  expect(resourcesOf(undefined)).toEqual([]);
});
