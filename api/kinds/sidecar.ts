import type { ISidecar } from "@kubernetes-models/istio/networking.istio.io/v1/Sidecar";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkPort, isAddress, isLabel, isWildcardHost } from "./rules.ts";

/** Reads a Sidecar and judges it by Istio's rules. Source: Sidecar in Istio's API reference. */
export const parseSidecar = (object: KubeObject): Parsed<ISidecar> => parseWith(object, check);

function check(spec: Field): void {
  checkLabels(spec.at("workloadSelector").at("labels"));
  const egress = spec.at("egress").items();
  const ingress = spec.at("ingress").items();
  if (
    egress.length === 0 &&
    ingress.length === 0 &&
    spec.presentOf("outboundTrafficPolicy", "inboundConnectionPool").length === 0
  ) {
    spec.error("says nothing: it needs egress, ingress or outboundTrafficPolicy");
  }
  for (const [index, listener] of egress.entries()) checkEgress(listener, index === egress.length - 1);
  for (const listener of ingress) checkIngress(listener);
  const policy = spec.at("outboundTrafficPolicy");
  if (policy.has("egressProxy") && policy.at("mode").value !== "ALLOW_ANY")
    policy.at("egressProxy").error("is for mode ALLOW_ANY only");
}

function checkEgress(listener: Field, isLast: boolean): void {
  const hosts = listener.at("hosts");
  if (hosts.items().length === 0) hosts.error("needs at least one host, such as ./* for the own namespace");
  for (const host of hosts.items()) checkHost(host);
  checkPort(listener.at("port").at("number"));
  checkBind(listener.at("bind"));
  // A listener without a port takes what the others leave, so it can only be the last.
  if (!listener.has("port") && !isLast) listener.error("without a port may stand only at the end");
}

/** namespace/host, with "." for the own namespace, "*" for all and "~" for none. */
function checkHost(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  const [namespace = "", host, ...rest] = text.split("/");
  if (host === undefined || rest.length > 0) return field.error(`"${text}" is not namespace/host`);
  if (!["*", ".", "~"].includes(namespace) && !isLabel(namespace))
    field.error(`"${namespace}" is none of ".", "*", "~" and the name of a namespace`);
  if (!isWildcardHost(host)) field.error(`"${host}" is not a host name`);
}

function checkIngress(listener: Field): void {
  if (listener.at("port").require()) checkPort(listener.at("port").at("number"));
  checkBind(listener.at("bind"));
  const endpoint = listener.at("defaultEndpoint").text();
  if (endpoint === undefined || endpoint === "" || endpoint.startsWith("unix:///")) return;
  const [, address = "", port] = /^(.*):(\d+)$/.exec(endpoint) ?? [];
  const isOwn = ["127.0.0.1", "0.0.0.0", "[::1]", "[::]"].includes(address);
  if (!isOwn || port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    listener.at("defaultEndpoint").error(`"${endpoint}" is none of 127.0.0.1:port, 0.0.0.0:port and unix:///path`);
  }
}

function checkBind(field: Field): void {
  const text = field.text();
  if (text !== undefined && text !== "" && !isAddress(text) && !text.startsWith("unix://"))
    field.error(`"${text}" is neither an address nor unix:///path`);
}
