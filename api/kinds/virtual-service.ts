import type { IVirtualService } from "@kubernetes-models/istio/networking.istio.io/v1/VirtualService";
import { checkUnique, type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkExportTo, checkWildcardHost, isLabel } from "./rules.ts";
import { checkHttpRoute } from "./virtual-service-http.ts";
import { checkL4Routes } from "./virtual-service-l4.ts";

/** Reads a VirtualService and judges it by Istio's rules. Source: VirtualService in Istio's API reference. */
export const parseVirtualService = (object: KubeObject): Parsed<IVirtualService> => parseWith(object, check);

const MESH = "mesh";

function check(spec: Field): void {
  const isDelegate = spec.at("hosts").items().length === 0;
  if (isDelegate) checkDelegate(spec);
  else checkRoot(spec);
  checkExportTo(spec.at("exportTo"));
  const http = spec.at("http").items();
  if (spec.presentOf("http", "tcp", "tls").length === 0) spec.error("needs at least one of http, tcp and tls");
  for (const route of http) checkHttpRoute(route, { isDelegate });
  checkUnique(
    http.map((route) => route.at("name")),
    "route name",
  );
  checkOrder(http);
  checkL4Routes(spec);
}

/** Without hosts it is a part of another VirtualService, which names it. */
function checkDelegate(spec: Field): void {
  if (spec.at("gateways").items().length > 0)
    spec
      .at("gateways")
      .error("a VirtualService without hosts is a delegate and takes its gateways from whoever names it");
  for (const name of spec.presentOf("tcp", "tls"))
    spec.at(name).error("a VirtualService without hosts is a delegate and may hold only http routes");
}

function checkRoot(spec: Field): void {
  const gateways = spec.at("gateways").items();
  const names = gateways.map((gateway) => gateway.text() ?? "");
  const inMesh = names.length === 0 || names.includes(MESH);
  for (const [index, name] of names.entries()) {
    if (name !== MESH && !isGatewayName(name))
      gateways[index]!.error(`"${name}" is neither "mesh" nor the name of a Gateway (name or namespace/name)`);
  }
  const hosts = spec.at("hosts").items();
  for (const host of hosts) {
    checkWildcardHost(host);
    if (host.value === "*" && inMesh)
      host.error('"*" may stand only in a VirtualService for gateways, not in one for the mesh');
  }
  checkUnique(hosts, "host");
}

/** `name`, `namespace/name`, or a full name as older manifests have it. */
function isGatewayName(name: string): boolean {
  const parts = name.split("/");
  if (parts.length > 2) return false;
  return parts.every((part) => part !== "" && part.split(".").every(isLabel));
}

/** Rules are tried from top to bottom; what comes after one that takes everything, or the same again, is never reached. */
function checkOrder(routes: readonly Field[]): void {
  const seen = new Map<string, string>();
  let catchAll: string | undefined;
  for (const route of routes) {
    if (catchAll !== undefined) {
      route.warn(`is never reached: ${catchAll} takes every request`, "IST0130");
      continue;
    }
    const matches = route.at("match").items();
    if (matches.length === 0 && !route.has("delegate")) catchAll = route.path;
    for (const match of matches) {
      const { name: _, ...conditions } = match.value as Readonly<Record<string, unknown>>;
      const text = canonical(conditions);
      const before = seen.get(text);
      if (before !== undefined) match.warn(`is never reached: ${before} matches the same requests`, "IST0131");
      else seen.set(text, match.path);
    }
  }
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
