import type { IProxyConfig } from "@kubernetes-models/istio/networking.istio.io/v1beta1/ProxyConfig";
import { type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkNotNegative, checkOneOf } from "./rules.ts";

/** Reads a ProxyConfig and judges it by Istio's rules. Source: ProxyConfig in Istio's API reference. */
export const parseProxyConfig = (object: KubeObject): Parsed<IProxyConfig> =>
  parseWith(object, (spec) => {
    checkLabels(spec.at("selector").at("matchLabels"));
    checkNotNegative(spec.at("concurrency"));
    for (const [, value] of spec.at("environmentVariables").entries()) value.text();
    checkOneOf(spec.at("image").at("imageType"), ["default", "debug", "distroless"]);
  });
