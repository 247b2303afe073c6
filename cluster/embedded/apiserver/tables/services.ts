import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString } from "../../machinery/json.ts";
import { type Column, column, labelText, selectorText, specOf, statusOf, text, wide } from "./column.ts";

/** Addresses that a load balancer or ingress has. */
const given = (object: ApiObject): readonly string[] =>
  asArray(asObject(statusOf(object).loadBalancer).ingress).map((one) =>
    text(asObject(one).ip, text(asObject(one).hostname, "")),
  );

function externalAddress(service: ApiObject): string {
  const { type, externalName, externalIPs } = specOf(service);
  if (type === "ExternalName") return text(externalName);
  const all = [...(type === "LoadBalancer" ? given(service) : []), ...asArray(externalIPs).map(String)];
  if (all.length > 0) return all.join(",");
  return type === "LoadBalancer" ? "<pending>" : "<none>";
}

const ports = (service: ApiObject): string =>
  asArray(specOf(service).ports)
    .map(asObject)
    .map(
      ({ port, nodePort, protocol }) =>
        `${String(port)}${nodePort === undefined ? "" : `:${String(nodePort)}`}/${String(protocol)}`,
    )
    .join(",") || "<none>";

const MANY = 3;
const some = (all: readonly string[], empty: string): string => {
  if (all.length === 0) return empty;
  return all.length > MANY ? `${all.slice(0, MANY).join(",")} + ${all.length - MANY} more...` : all.join(",");
};

function endpoints(object: ApiObject): string {
  const all = asArray(object.subsets)
    .map(asObject)
    .flatMap(({ addresses, ports: list }) =>
      asArray(addresses).flatMap((address) => {
        const ip = asString(asObject(address).ip);
        const each = asArray(list).map((port) => `${ip}:${String(asObject(port).port)}`);
        return each.length === 0 ? [ip] : each;
      }),
    );
  return some(all, "<none>");
}

function hosts(ingress: ApiObject): string {
  const names = asArray(specOf(ingress).rules).map((rule) => asString(asObject(rule).host));
  return some(
    names.filter((name) => name !== ""),
    "*",
  );
}

/** Columns before and after the age. */
export const serviceColumns: Readonly<Record<string, readonly [readonly Column[], readonly Column[]]>> = {
  "/services": [
    [
      column("Type", (object) => text(specOf(object).type)),
      column("Cluster-IP", (object) => text(specOf(object).clusterIP)),
      column("External-IP", externalAddress),
      column("Port(s)", ports),
    ],
    [wide("Selector", (object) => labelText(specOf(object).selector))],
  ],
  "/endpoints": [[column("Endpoints", endpoints)], []],
  "discovery.k8s.io/endpointslices": [
    [
      column("AddressType", (object) => text(object.addressType)),
      column("Ports", (object) =>
        some(
          asArray(object.ports).map((port) => String(asObject(port).port ?? "*")),
          "<unset>",
        ),
      ),
      column("Endpoints", (object) =>
        some(
          asArray(object.endpoints).flatMap((endpoint) => asArray(asObject(endpoint).addresses).map(String)),
          "<unset>",
        ),
      ),
    ],
    [],
  ],
  "networking.k8s.io/ingresses": [
    [
      column("Class", (object) => text(specOf(object).ingressClassName)),
      column("Hosts", hosts),
      column("Address", (object) => given(object).join(",")),
      column("Ports", (object) => (asArray(specOf(object).tls).length > 0 ? "80, 443" : "80")),
    ],
    [],
  ],
  "networking.k8s.io/ingressclasses": [
    [
      column("Controller", (object) => text(specOf(object).controller)),
      column("Parameters", (object) => {
        const { apiGroup, kind, name } = asObject(specOf(object).parameters);
        if (name === undefined) return "<none>";
        return `${String(kind)}${apiGroup === undefined ? "" : `.${String(apiGroup)}`}/${String(name)}`;
      }),
    ],
    [],
  ],
  "networking.k8s.io/networkpolicies": [
    [column("Pod-Selector", (object) => selectorText(specOf(object).podSelector))],
    [],
  ],
};
