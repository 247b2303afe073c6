import type { IWasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1/WasmPlugin";
import { checkUnique, type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkPolicyTarget, checkPort } from "./rules.ts";

/** Reads a WasmPlugin and judges it by Istio's rules. Source: WasmPlugin in Istio's API reference. */
export const parseWasmPlugin = (object: KubeObject): Parsed<IWasmPlugin> => parseWith(object, check);

function check(spec: Field): void {
  checkPolicyTarget(spec);
  const url = spec.at("url");
  if (url.require()) {
    const [, scheme] = /^([a-z0-9+.-]+):\/\//i.exec(url.text() ?? "") ?? [];
    if (scheme !== undefined && !["oci", "http", "https", "file"].includes(scheme))
      url.error(`"${scheme}" is none of oci, http, https and file`);
  }
  const hash = spec.at("sha256").text();
  if (hash !== undefined && hash !== "" && !/^[0-9a-f]{64}$/.test(hash))
    spec.at("sha256").error("is not a SHA-256 sum in hexadecimal");
  for (const match of spec.at("match").items())
    for (const port of match.at("ports").items()) checkPort(port.at("number"));
  const variables = spec.at("vmConfig").at("env").items();
  for (const variable of variables) {
    variable.at("name").require();
    if (variable.at("valueFrom").value === "HOST" && variable.has("value"))
      variable.at("value").error("has no meaning with valueFrom HOST");
  }
  checkUnique(
    variables.map((variable) => variable.at("name")),
    "variable",
  );
}
