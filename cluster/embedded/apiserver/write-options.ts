import type { ServerResponse } from "node:http";
import type { JsonObject } from "../machinery/json.ts";
import type { WriteOptions } from "./registry.ts";
import type { ResourceRequest } from "./request.ts";
import { type FieldProblem, invalid } from "./status.ts";

type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions";

const MAX_MANAGER = 128;
const subresources = new Set(["status", "ephemeralcontainers"]);
const validations = ["Ignore", "Warn", "Strict"] as const;

/** What the query says of a write. Fails with Invalid, as Kubernetes does for options that it does not know. */
export function writeOptions(target: ResourceRequest, response: ServerResponse, kind: OptionsKind): WriteOptions {
  const { query, identity, subresource } = target;
  const problems = [...dryRunProblems(query), ...managerProblems(query), ...validationProblems(query)];
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", problems);
  const warnings: string[] = [];
  return {
    dryRun: query.getAll("dryRun").includes("All"),
    ...(subresources.has(subresource) && { subresource }),
    fieldValidation: validations.find((validation) => validation === query.get("fieldValidation")) ?? "Warn",
    user: identity,
    manager: managerOf(target),
    asked: askedOptions(query),
    onWarning: (text) => {
      warnings.push(`299 - ${JSON.stringify(text)}`);
      response.setHeader("warning", warnings);
    },
  };
}

/** The options that a query says, by their names. */
function askedOptions(query: URLSearchParams): JsonObject {
  const texts = ["fieldManager", "fieldValidation", "propagationPolicy"].flatMap((name) => {
    const value = query.get(name);
    return value === null || value === "" ? [] : [[name, value] as const];
  });
  const dryRun = query.getAll("dryRun");
  return { ...(dryRun.length > 0 && { dryRun }), ...Object.fromEntries(texts) };
}

/** Who says nothing else is called like the program: what stands before the slash of its User-Agent. */
export function managerOf({ query, request }: Pick<ResourceRequest, "query" | "request">): string {
  const asked = query.get("fieldManager");
  if (asked !== null && asked !== "") return asked;
  const program = (request.headers["user-agent"] ?? "").split("/")[0] ?? "";
  return program === "" ? "unknown" : program.slice(0, MAX_MANAGER);
}

export const unsupported = (field: string, value: string, supported: readonly string[]): FieldProblem => ({
  field,
  message: `Unsupported value: ${value}: supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`,
  reason: "FieldValueNotSupported",
});

function dryRunProblems(query: URLSearchParams): readonly FieldProblem[] {
  const asked = query.getAll("dryRun");
  return asked.every((value) => value === "All") ? [] : [unsupported("dryRun", JSON.stringify(asked), ["All"])];
}

function managerProblems(query: URLSearchParams): readonly FieldProblem[] {
  const manager = query.get("fieldManager") ?? "";
  if (manager.length > MAX_MANAGER)
    return [
      {
        field: "fieldManager",
        message: `Too long: may not be more than ${MAX_MANAGER} bytes`,
        reason: "FieldValueTooLong",
      },
    ];
  if (/^[\P{C}]*$/u.test(manager)) return [];
  return [
    {
      field: "fieldManager",
      message: `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`,
    },
  ];
}

function validationProblems(query: URLSearchParams): readonly FieldProblem[] {
  const asked = query.get("fieldValidation");
  if (asked === null || asked === "" || validations.some((validation) => validation === asked)) return [];
  return [unsupported("fieldValidation", JSON.stringify(asked), ["", "Ignore", "Strict", "Warn"])];
}
