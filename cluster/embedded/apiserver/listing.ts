import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { StatusError } from "../machinery/resources.ts";
import { RevisionGone } from "../store/watch-hub.ts";
import { bucketOf } from "./kinds.ts";
import type { Registry } from "./registry.ts";
import { sendList } from "./representation.ts";
import type { ResourceRequest } from "./request.ts";
import { both, checkFieldSelector, fieldPredicate, labelPredicate, type Predicate } from "./selectors.ts";
import { badRequest, ExpiredPage, type FieldProblem, gone, invalid } from "./status.ts";
import { unsupported } from "./write-options.ts";

/** Which objects a request is about, by its selectors and name; undefined for all. */
export function selectionOf({ kind, query, name }: ResourceRequest): Predicate | undefined {
  const fields = query.get("fieldSelector") ?? undefined;
  checkFieldSelector(kind, fields);
  return both(
    both(labelPredicate(query.get("labelSelector") ?? undefined), fieldPredicate(fields)),
    name === undefined ? undefined : fieldPredicate(`metadata.name=${name}`),
  );
}

/** Where a list goes on: after which object, and as of which revision. */
interface Continuation {
  readonly revision: number;
  readonly start: string;
}

/** Answers a list, or a page of it: all pages show the state of the first one. */
export function list(registry: Registry, target: ResourceRequest, response: ServerResponse): void {
  const { kind, query } = target;
  const fits = selectionOf(target);
  const { store } = registry;
  const from = continuationOf(query);
  checkRevision(query, store.revision, from !== undefined);
  numberOf(query, "timeoutSeconds");
  const limit = numberOf(query, "limit") ?? 0;
  const exact = query.get("resourceVersionMatch") === "Exact" ? Number(query.get("resourceVersion")) : undefined;
  const revision = from?.revision === LATEST ? store.revision : (from?.revision ?? exact ?? store.revision);
  const all = statesAt(registry, target, { revision, start: from?.start ?? "" });
  const chosen = fits === undefined ? all : all.filter(fits);
  const rest = from === undefined ? chosen : chosen.filter((object) => keyOf(object) > from.start);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const left = rest.length - page.length;
  const last = page.at(-1);
  sendList(response, target, {
    items: page.map((object) => registry.present(kind, object)),
    metadata: {
      resourceVersion: String(revision),
      ...(left > 0 && last !== undefined && { continue: tokenOf({ revision, start: keyOf(last) }) }),
      // With selectors nobody would know it without looking at all of the rest.
      ...(left > 0 && fits === undefined && { remainingItemCount: left }),
    },
  });
}

/** In a token: of whatever revision is the latest. */
const LATEST = -1;

function statesAt(
  registry: Registry,
  { kind, namespace, query }: ResourceRequest,
  { revision, start }: Continuation,
): readonly ApiObject[] {
  try {
    return registry.store.listAt(bucketOf(kind), namespace, revision);
  } catch (error) {
    if (!(error instanceof RevisionGone)) throw error;
    throw (query.get("continue") ?? "") === ""
      ? gone("The resourceVersion for the provided list is too old.")
      : new ExpiredPage(tokenOf({ revision: LATEST, start }));
  }
}

const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;

const tokenOf = ({ revision, start }: Continuation): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start })).toString("base64url");

function continuationOf(query: URLSearchParams): Continuation | undefined {
  const token = query.get("continue") ?? "";
  if (token === "") return undefined;
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as Record<string, unknown>;
    if (v === "meta.k8s.io/v1" && typeof rv === "number" && typeof start === "string") return { revision: rv, start };
  } catch {
    // not one of ours either
  }
  throw badRequest("invalid continue token: continue key is not valid");
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const forbiddenOption = (message: string): FieldProblem => ({
  field: "resourceVersionMatch",
  message: `Forbidden: ${message}`,
  reason: "FieldValueForbidden",
});

/** What a list or watch may say of revisions. Source: Kubernetes API concepts, "Resource versions". */
export function matchProblems(query: URLSearchParams, isWatch: boolean): readonly FieldProblem[] {
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.get("sendInitialEvents");
  if (isWatch && initial !== null && match !== "NotOlderThan")
    return [forbiddenOption("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")];
  if (match === "") return [];
  if (isWatch && initial === null)
    return [forbiddenOption("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")];
  const problems: FieldProblem[] = [];
  if (!isWatch && (query.get("resourceVersion") ?? "") === "")
    problems.push(forbiddenOption("resourceVersionMatch is forbidden unless resourceVersion is provided"));
  if ((query.get("continue") ?? "") !== "")
    problems.push(forbiddenOption("resourceVersionMatch is forbidden when continue is provided"));
  if (match !== "Exact" && match !== "NotOlderThan")
    problems.push(unsupported("resourceVersionMatch", JSON.stringify(match), ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && query.get("resourceVersion") === "0")
    problems.push(forbiddenOption('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return problems;
}

const RETRY_SECONDS = 1;

function checkRevision(query: URLSearchParams, current: number, continues: boolean): void {
  const problems = matchProblems(query, false);
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", problems);
  const asked = query.get("resourceVersion") ?? "";
  if (asked === "" || asked === "0") return;
  if (continues) throw badRequest("specifying resource version is not allowed when using continue");
  if (!/^\d+$/.test(asked)) throw badRequest(`invalid resource version: ${notARevision(asked)}`);
  if (Number(asked) > current)
    throw new StatusError(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: RETRY_SECONDS,
    });
}

export const notARevision = (asked: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(asked)}: strconv.ParseUint: parsing ${JSON.stringify(asked)}: invalid syntax`;
