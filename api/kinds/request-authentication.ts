import type { IRequestAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/RequestAuthentication";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkDuration, checkHeaderName, checkPolicyTarget } from "./rules.ts";

/** Reads a RequestAuthentication and judges it by Istio's rules. Source: RequestAuthentication in Istio's API reference. */
export const parseRequestAuthentication = (object: KubeObject): Parsed<IRequestAuthentication> =>
  parseWith(object, check);

function check(spec: Field): void {
  checkPolicyTarget(spec);
  for (const rule of spec.at("jwtRules").items()) checkRule(rule);
}

function checkRule(rule: Field): void {
  rule.at("issuer").require();
  for (const audience of rule.at("audiences").items()) if (audience.text() === "") audience.error("must not be empty");
  if (rule.has("jwks") && rule.has("jwksUri")) rule.at("jwks").error("may not stand beside jwksUri");
  checkUri(rule.at("jwksUri"));
  checkKeys(rule.at("jwks"));
  for (const location of rule.at("fromHeaders").items()) {
    const name = location.at("name");
    if (name.require()) checkHeaderName(name, name.text() ?? "");
  }
  for (const name of ["fromParams", "fromCookies"])
    for (const item of rule.at(name).items()) if (item.text() === "") item.error("must not be empty");
  for (const output of rule.at("outputClaimToHeaders").items()) {
    if (output.at("header").require()) checkHeaderName(output.at("header"), output.at("header").text() ?? "");
    output.at("claim").require();
  }
  checkDuration(rule.at("timeout"));
}

function checkUri(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  if (!/^https?:\/\/[^/\s]+/.test(text)) field.error(`"${text}" is not a URL with http or https`);
  else if (text.startsWith("http://"))
    field.warn("keys that are fetched without TLS can be replaced on their way", "IST0175");
}

function checkKeys(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  try {
    const value: unknown = JSON.parse(text);
    const isKeySet = typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
    if (!isKeySet) field.error('is not a JSON Web Key Set: {"keys": [...]}');
  } catch {
    field.error("is not JSON");
  }
}
