import type { IEnvoyFilter } from "@kubernetes-models/istio/networking.istio.io/v1alpha3/EnvoyFilter";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkRegex } from "./rules.ts";

/** Reads an EnvoyFilter and judges it by Istio's rules. Source: EnvoyFilter in Istio's API reference. */
export const parseEnvoyFilter = (object: KubeObject): Parsed<IEnvoyFilter> => parseWith(object, check);

const valueless = ["REMOVE"];
const relative = ["INSERT_BEFORE", "INSERT_AFTER"];

function check(spec: Field): void {
  checkLabels(spec.at("workloadSelector").at("labels"));
  if (spec.has("workloadSelector") && spec.at("targetRefs").items().length > 0)
    spec.at("targetRefs").error("may not stand beside workloadSelector");
  for (const patch of spec.at("configPatches").items()) checkPatch(patch);
}

function checkPatch(entry: Field): void {
  const applyTo = entry.at("applyTo");
  if (applyTo.require() && applyTo.value === "INVALID") applyTo.error("INVALID is a placeholder; say what is patched");
  checkRegex(entry.at("match").at("proxy").at("proxyVersion"));
  const patch = entry.at("patch");
  if (!patch.require()) return;
  const operation = String(patch.at("operation").value ?? "INVALID");
  if (operation === "INVALID") patch.at("operation").error("is required");
  if (!valueless.includes(operation) && !patch.has("value"))
    patch.at("value").error(`is required with operation ${operation}`);
  if (valueless.includes(operation) && patch.has("value"))
    patch.at("value").error(`has no meaning with operation ${operation}`);
  if (relative.includes(operation))
    patch.at("operation").warn("depends on what other configuration puts before it", "IST0151");
}
