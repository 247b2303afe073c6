import { parse } from "yaml";
import { istioKinds } from "../definitions.ts";
import type { KubeObject } from "../object.ts";
import { parseObject } from "../parse.ts";

/** The kind with a spec in YAML. */
function object(kind: string, spec: string): KubeObject {
  const definition = istioKinds.find((one) => one.kind === kind);
  if (definition === undefined) throw new Error(`no kind ${kind}`);
  const apiVersion = `${definition.group}/${definition.versions[0]}`;
  return { apiVersion, kind, metadata: { name: "x", namespace: "shop" }, spec: parse(spec) } as KubeObject;
}

/** What is wrong with a spec, each as "severity field: message". */
export const problems = (kind: string, spec: string): readonly string[] =>
  parseObject(object(kind, spec)).problems.map(({ severity, field, message }) => `${severity} ${field}: ${message}`);

/** Kind, what is wrong, the spec, and how the one problem begins. */
export type Refused = readonly (readonly [kind: string, what: string, spec: string, problem: string])[];
