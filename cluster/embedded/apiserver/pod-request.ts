import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString } from "../machinery/json.ts";
import type { LogOptions } from "../machinery/node-backend.ts";
import { forbidden as notTogether } from "./rules/problems.ts";
import { badRequest, type FieldProblem, invalid } from "./status.ts";

/** The container that a request is about: the one that it names, or the only one. Fails with BadRequest. */
export function containerOf(pod: ApiObject, asked: string | null): string {
  const spec = asObject(pod.spec);
  const names = (field: string): readonly string[] => asArray(spec[field]).map((one) => asString(asObject(one).name));
  const [main, init, ephemeral] = [names("containers"), names("initContainers"), names("ephemeralContainers")];
  const name = pod.metadata.name ?? "";
  if (asked === null || asked === "") {
    if (main.length === 1 && init.length === 0 && ephemeral.length === 0) return main[0] ?? "";
    const more = init.length === 0 ? "" : ` or one of the init containers: [${init.join(" ")}]`;
    if (main.length === 1) return main[0] ?? "";
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(" ")}]${more}`);
  }
  if ([...main, ...init, ...ephemeral].includes(asked)) return asked;
  throw badRequest(`container ${asked} is not valid for pod ${name}`);
}

/** What a request for a log asks. Fails with BadRequest or Invalid. */
export function logOptions(query: URLSearchParams, name: string): LogOptions {
  const [tailLines, limitBytes, sinceSeconds] = ["tailLines", "limitBytes", "sinceSeconds"].map((option) =>
    integer(query.get(option)),
  );
  const sinceTime = query.get("sinceTime") ?? undefined;
  const problems: FieldProblem[] = [];
  const atLeast = (field: string, value: number | undefined, least: number): void => {
    const why = least === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
    if (value !== undefined && value < least) problems.push({ field, message: `Invalid value: ${value}: ${why}` });
  };
  atLeast("tailLines", tailLines, 0);
  atLeast("limitBytes", limitBytes, 1);
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    problems.push(notTogether("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  else atLeast("sinceSeconds", sinceSeconds, 1);
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime)))
    throw badRequest(`parsing time ${JSON.stringify(sinceTime)}: it is no time of RFC 3339`);
  if (problems.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, name, problems);
  return {
    follow: query.get("follow") === "true",
    previous: query.get("previous") === "true",
    timestamps: query.get("timestamps") === "true",
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(sinceTime !== undefined && { sinceTime }),
  };
}

function integer(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^[-+]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const MAX_PORT = 65_535;

/** The ports of a port-forward. */
export function portsOf(query: URLSearchParams): readonly number[] {
  return query
    .getAll("ports")
    .flatMap((list) => list.split(","))
    .map((text) => {
      const quoted = JSON.stringify(text);
      if (!/^\d+$/.test(text))
        throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${quoted}: invalid syntax`);
      if (Number(text) > MAX_PORT)
        throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${quoted}: value out of range`);
      return Number(text);
    });
}
