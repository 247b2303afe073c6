import type { IServiceEntry } from "@kubernetes-models/istio/networking.istio.io/v1/ServiceEntry";
import { checkUnique, type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import {
  checkExportTo,
  checkLabels,
  checkNotNegative,
  checkPort,
  checkWildcardHost,
  isAddress,
  isHostName,
  isRange,
} from "./rules.ts";

/** Reads a ServiceEntry and judges it by Istio's rules. Source: ServiceEntry in Istio's API reference. */
export const parseServiceEntry = (object: KubeObject): Parsed<IServiceEntry> => parseWith(object, check);

function check(spec: Field): void {
  const hosts = spec.at("hosts");
  if (hosts.items().length === 0) hosts.error("needs at least one host");
  for (const host of hosts.items()) {
    checkWildcardHost(host);
    if (host.value === "*") host.error('"*" would be every host there is; name them');
  }
  checkUnique(hosts.items(), "host");
  for (const address of spec.at("addresses").items()) {
    const text = address.text();
    if (text !== undefined && !isRange(text)) address.error(`"${text}" is not an address or a range of addresses`);
  }
  checkPorts(spec.at("ports"));
  if (spec.has("workloadSelector") && spec.at("endpoints").items().length > 0)
    spec.at("endpoints").error("may not stand beside workloadSelector");
  checkLabels(spec.at("workloadSelector").at("labels"));
  for (const endpoint of spec.at("endpoints").items()) checkEndpoint(endpoint, spec);
  checkResolution(spec);
  checkExportTo(spec.at("exportTo"));
}

function checkPorts(ports: Field): void {
  const items = ports.items();
  for (const port of items) {
    if (port.at("number").require()) checkPort(port.at("number"));
    port.at("name").require();
    checkPort(port.at("targetPort"));
  }
  checkUnique(
    items.map((port) => port.at("number")),
    "port",
  );
  checkUnique(
    items.map((port) => port.at("name")),
    "port name",
  );
}

function checkEndpoint(endpoint: Field, spec: Field): void {
  const names = new Set(
    spec
      .at("ports")
      .items()
      .map((port) => port.at("name").value),
  );
  for (const [name, port] of endpoint.at("ports").entries()) {
    if (!names.has(name)) port.error(`there is no port "${name}" in spec.ports`);
    checkPort(port);
  }
  checkLabels(endpoint.at("labels"));
  checkNotNegative(endpoint.at("weight"));
}

function checkResolution(spec: Field): void {
  const resolution = String(spec.at("resolution").value ?? "NONE");
  const endpoints = spec.at("endpoints").items();
  const hosts = spec.at("hosts").items();
  const isDns = resolution === "DNS" || resolution === "DNS_ROUND_ROBIN";
  if (resolution === "NONE" && endpoints.length > 0)
    spec.at("endpoints").error("have no meaning with resolution NONE, which goes where the client dialled");
  if (resolution === "STATIC" && endpoints.length === 0 && !spec.has("workloadSelector"))
    spec.at("endpoints").error("are required with resolution STATIC (or workloadSelector)");
  if (isDns && endpoints.length === 0) {
    const wildcard = hosts.find(({ value }) => String(value).startsWith("*"));
    wildcard?.error(
      `a wildcard cannot be looked up (resolution ${resolution}); name endpoints, or use resolution NONE`,
    );
  }
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1)
    spec.at("endpoints").error("DNS_ROUND_ROBIN takes one endpoint at most");
  if (resolution === "DYNAMIC_DNS" && hosts.some(({ value }) => !String(value).startsWith("*."))) {
    spec.at("hosts").error("resolution DYNAMIC_DNS is for wildcard hosts only");
  }
  for (const endpoint of endpoints) {
    const address = endpoint.at("address");
    const text = address.text();
    if (text === undefined || text.startsWith("unix://")) continue;
    if (resolution === "STATIC" && !isAddress(text))
      address.error(`"${text}" is not an address, which resolution STATIC asks for`);
    if (isDns && !isAddress(text) && !isHostName(text))
      address.error(`"${text}" is neither a host name nor an address`);
  }
}
