import type { Field } from "./check.ts";
import { checkLabelName, checkLabels, checkPort, checkWildcardHost, isRange } from "./rules.ts";
import { checkDestinations } from "./virtual-service-http.ts";

/** Routes of a VirtualService that look at the connection only. */
export function checkL4Routes(spec: Field): void {
  const hosts = spec
    .at("hosts")
    .items()
    .map(({ value }) => String(value));
  for (const route of spec.at("tcp").items()) {
    for (const match of route.at("match").items()) checkL4Match(match);
    checkTargets(route);
  }
  for (const route of spec.at("tls").items()) {
    const matches = route.at("match");
    if (matches.items().length === 0) matches.error("a TLS route must say which server names it is for");
    for (const match of matches.items()) {
      checkL4Match(match);
      const names = match.at("sniHosts");
      if (names.items().length === 0) names.error("needs at least one server name");
      for (const name of names.items()) checkServerName(name, hosts);
    }
    checkTargets(route);
  }
}

function checkTargets(route: Field): void {
  if (route.at("route").items().length === 0) route.at("route").error("needs at least one destination");
  checkDestinations(route.at("route"));
}

function checkL4Match(match: Field): void {
  for (const subnet of match.at("destinationSubnets").items()) {
    const text = subnet.text();
    if (text !== undefined && !isRange(text)) subnet.error(`"${text}" is not a range of addresses such as 10.0.0.0/8`);
  }
  checkPort(match.at("port"));
  checkLabels(match.at("sourceLabels"));
  checkLabelName(match.at("sourceNamespace"), "namespace");
}

function checkServerName(field: Field, hosts: readonly string[]): void {
  checkWildcardHost(field);
  const name = field.text();
  if (name === undefined || hosts.length === 0) return;
  if (!hosts.some((host) => covers(host, name)))
    field.error(`"${name}" is not one of the hosts of this VirtualService`);
}

/** Whether a host with or without wildcard takes in a name with or without one. */
function covers(host: string, name: string): boolean {
  if (host === "*" || host === name) return true;
  return host.startsWith("*.") && name.endsWith(host.slice(1));
}
