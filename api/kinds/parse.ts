import { parseAuthorizationPolicy } from "./authorization-policy.ts";
import type { Parsed } from "./check.ts";
import { parseDestinationRule } from "./destination-rule.ts";
import { parseEnvoyFilter } from "./envoy-filter.ts";
import { parseGateway } from "./gateway.ts";
import type { KubeObject } from "./object.ts";
import { parsePeerAuthentication } from "./peer-authentication.ts";
import { parseProxyConfig } from "./proxy-config.ts";
import { parseRequestAuthentication } from "./request-authentication.ts";
import { parseServiceEntry } from "./service-entry.ts";
import { parseSidecar } from "./sidecar.ts";
import { parseTelemetry } from "./telemetry.ts";
import { parseVirtualService } from "./virtual-service.ts";
import { parseWasmPlugin } from "./wasm-plugin.ts";
import { parseWorkloadEntry } from "./workload-entry.ts";
import { parseWorkloadGroup } from "./workload-group.ts";

type Parser = (object: KubeObject) => Parsed<object>;

/** By group and kind, since two groups have a Gateway; versions of a kind differ in nothing that is judged here. */
const parsers: Readonly<Record<string, Parser>> = {
  "networking.istio.io/VirtualService": parseVirtualService,
  "networking.istio.io/DestinationRule": parseDestinationRule,
  "networking.istio.io/Gateway": parseGateway,
  "networking.istio.io/ServiceEntry": parseServiceEntry,
  "networking.istio.io/Sidecar": parseSidecar,
  "networking.istio.io/WorkloadEntry": parseWorkloadEntry,
  "networking.istio.io/WorkloadGroup": parseWorkloadGroup,
  "networking.istio.io/EnvoyFilter": parseEnvoyFilter,
  "networking.istio.io/ProxyConfig": parseProxyConfig,
  "security.istio.io/AuthorizationPolicy": parseAuthorizationPolicy,
  "security.istio.io/PeerAuthentication": parsePeerAuthentication,
  "security.istio.io/RequestAuthentication": parseRequestAuthentication,
  "telemetry.istio.io/Telemetry": parseTelemetry,
  "extensions.istio.io/WasmPlugin": parseWasmPlugin,
};

/** Judges any object of the mesh's kinds; others have no problems. */
export function parseObject(object: KubeObject): Parsed<object> {
  const group = object.apiVersion?.split("/")[0] ?? "";
  const parser = parsers[`${group}/${object.kind}`];
  return parser === undefined ? { value: object, problems: [] } : parser(object);
}
