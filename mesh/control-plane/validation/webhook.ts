import type { KubeObject } from "#api/kinds/object.ts";
import { parseObject } from "#api/kinds/parse.ts";
import type { Problem } from "#api/problem.ts";
import { type AdmissionRequest, type AdmissionResponse, allow, refuse } from "../admission.ts";

export interface ValidationLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Answers one admission request of `/validate`: refuses configuration that could not work and warns of what is suspicious. */
export function reviewConfiguration(
  request: AdmissionRequest,
  { log }: { readonly log: ValidationLog },
): AdmissionResponse {
  // What goes away needs no judgement, and status writers change no configuration.
  if (request.operation === "DELETE" || request.object === null || request.object === undefined)
    return allow(request.uid);
  const problems = parseObject(request.object as KubeObject).problems;
  const errors = problems.filter(({ severity }) => severity === "error");
  const warnings = problems.filter(({ severity }) => severity !== "error").map(textOf);
  if (errors.length === 0) return warnings.length === 0 ? allow(request.uid) : { ...allow(request.uid), warnings };
  const message = `configuration is invalid: ${errors.map(textOf).join("; ")}`;
  log.info({ kind: request.kind.kind, namespace: request.namespace, name: request.name, message }, "refused");
  return {
    ...refuse(request.uid, { code: 422, reason: "Invalid", message }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** The field comes first: the API server passes the text on, and editors find the line by it. */
const textOf = ({ field, message }: Problem): string => (field === undefined ? message : `${field}: ${message}`);
