import type { ITelemetry } from "@kubernetes-models/istio/telemetry.istio.io/v1/Telemetry";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkDuration, checkPercentage, checkPolicyTarget } from "./rules.ts";

/** Reads a Telemetry and judges it by Istio's rules. Source: Telemetry in Istio's API reference. */
export const parseTelemetry = (object: KubeObject): Parsed<ITelemetry> => parseWith(object, check);

const tagKinds = ["literal", "environment", "header", "formatter"];

function check(spec: Field): void {
  checkPolicyTarget(spec);
  for (const tracing of spec.at("tracing").items()) checkTracing(tracing);
  for (const metrics of spec.at("metrics").items()) {
    checkDuration(metrics.at("reportingInterval"));
    for (const override of metrics.at("overrides").items()) checkTags(override.at("tagOverrides"));
  }
  if (spec.at("tracing").items().length > 1) spec.at("tracing").warn("only the first entry for a direction is used");
}

function checkTracing(tracing: Field): void {
  if (tracing.at("providers").items().length > 1) tracing.at("providers").error("takes one provider at most");
  checkPercentage(tracing.at("randomSamplingPercentage"));
  for (const [name, tag] of tracing.at("customTags").entries()) {
    if (name === "") tag.error("a tag's name must not be empty");
    if (tag.presentOf(...tagKinds).length !== 1) tag.error(`needs exactly one of ${tagKinds.join(", ")}`);
    if (tag.has("literal")) tag.at("literal").at("value").require();
    for (const kind of ["environment", "header"]) if (tag.has(kind)) tag.at(kind).at("name").require();
  }
}

function checkTags(tags: Field): void {
  for (const [, override] of tags.entries()) {
    const isRemoval = override.at("operation").value === "REMOVE";
    if (isRemoval && override.has("value")) override.at("value").error("has no meaning with operation REMOVE");
    if (!isRemoval) override.at("value").require();
  }
}
