import type { IAuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1/AuthorizationPolicy";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkPolicyTarget, isRange } from "./rules.ts";

/** Reads an AuthorizationPolicy and judges it by Istio's rules. Source: AuthorizationPolicy and its conditions in Istio's API reference. */
export const parseAuthorizationPolicy = (object: KubeObject): Parsed<IAuthorizationPolicy> => parseWith(object, check);

const keys =
  /^(request\.headers\[[^\]]+\]|request\.auth\.(principal|audiences|presenter|claims(\[[^\]]+\])+)|source\.(ip|namespace|principal|serviceAccount|trustDomain)|remote\.ip|destination\.(ip|port)|connection\.sni|experimental\.envoy\.filters\..+)$/;
const addressKeys: ReadonlySet<string> = new Set(["source.ip", "remote.ip", "destination.ip"]);

function check(spec: Field): void {
  checkPolicyTarget(spec);
  const action = spec.at("action").value ?? "ALLOW";
  const provider = spec.at("provider");
  if (action === "CUSTOM") provider.at("name").require();
  else if (provider.present) provider.error("is for action CUSTOM only");
  const rules = spec.at("rules").items();
  if (action === "CUSTOM" && rules.length === 0) spec.at("rules").error("are required with action CUSTOM");
  if (action === "DENY" && rules.length === 0) spec.warn("a DENY policy without rules denies nothing", "IST0167");
  for (const rule of rules) checkRule(rule);
}

function checkRule(rule: Field): void {
  for (const name of rule.presentOf("from", "to")) {
    if (rule.at(name).items().length === 0) rule.at(name).error("must not be empty; leave it out to match everything");
  }
  for (const from of rule.at("from").items()) checkSource(from.at("source"));
  for (const to of rule.at("to").items()) checkOperation(to.at("operation"));
  for (const condition of rule.at("when").items()) checkCondition(condition);
}

function checkSource(source: Field): void {
  if (!source.require()) return;
  const fields = source.entries();
  if (fields.length === 0) source.error("must not be empty");
  for (const [, values] of fields) checkValues(values);
  for (const name of ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"]) {
    for (const block of source.at(name).items()) checkRange(block);
  }
  const accounts = source.presentOf("serviceAccounts", "notServiceAccounts");
  const names = source.presentOf("principals", "notPrincipals", "namespaces", "notNamespaces");
  if (accounts.length > 0 && names.length > 0)
    source.at(accounts[0]!).error(`may not stand beside ${names.join(" and ")}`);
}

function checkOperation(operation: Field): void {
  if (!operation.require()) return;
  const fields = operation.entries();
  if (fields.length === 0) operation.error("must not be empty");
  for (const [, values] of fields) checkValues(values);
  for (const name of ["ports", "notPorts"]) {
    for (const port of operation.at(name).items()) {
      const text = port.text();
      if (text !== undefined && (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535))
        port.error(`"${text}" is not a port (1 to 65535)`);
    }
  }
  for (const name of ["paths", "notPaths"]) for (const path of operation.at(name).items()) checkPath(path);
}

/** Templates may stand for one segment, `{*}`, or at the end for any number, `{**}`. */
function checkPath(field: Field): void {
  const path = field.text();
  if (path === undefined || !path.includes("{")) return;
  const segments = path.split("/");
  const wrong = segments.find(
    (segment, index) =>
      /[{}]/.test(segment) && segment !== "{*}" && !(segment === "{**}" && index === segments.length - 1),
  );
  if (wrong !== undefined) field.error(`"${wrong}" is not a template: there are {*} for a segment and {**} at the end`);
  else if (path.includes("*") && segments.some((segment) => segment.includes("*") && !segment.startsWith("{")))
    field.error("templates and * may not be mixed");
}

function checkCondition(condition: Field): void {
  const key = condition.at("key");
  if (!key.require()) return;
  const text = key.text() ?? "";
  if (!keys.test(text)) key.error(`"${text}" is not an attribute that can be asked for`);
  if (condition.presentOf("values", "notValues").length === 0) condition.error("needs values or notValues");
  for (const name of ["values", "notValues"]) {
    checkValues(condition.at(name));
    if (addressKeys.has(text)) for (const block of condition.at(name).items()) checkRange(block);
  }
}

function checkValues(values: Field): void {
  if (!values.present) return;
  const items = values.items();
  if (items.length === 0) values.error("must not be empty");
  for (const item of items) if (item.text() === "") item.error("must not be empty");
}

function checkRange(field: Field): void {
  const text = field.text();
  if (text !== undefined && text !== "" && !isRange(text))
    field.error(`"${text}" is not an address or a range of addresses`);
}
