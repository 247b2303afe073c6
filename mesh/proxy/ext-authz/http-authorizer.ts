import type { HttpService } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import type { ListStringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import { compileStringMatcher, type StringTest } from "../../lib/match/string-match.ts";
import { type OwnRequest, type OwnResponse, requestCluster } from "../upstream/cluster-request.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";
import {
  type Answer,
  type Authorizer,
  type CheckedRequest,
  type HeaderLine,
  isForAnswer,
  isForwardable,
} from "./answer.ts";

/** Envoy's headers between proxy and authorizer. */
const PARTIAL = "x-envoy-auth-partial-body";
const REMOVE = "x-envoy-auth-headers-to-remove";

export interface HttpAuthorizerOptions {
  readonly service: HttpService;
  /** Of the filter; those of the service are their former place. */
  readonly allowedHeaders: ListStringMatcher | undefined;
  readonly disallowedHeaders: ListStringMatcher | undefined;
  readonly slots: ClusterSlots;
}

/**
 * An authorizer that answers over HTTP: 200 lets the request in, 5xx is a failure, everything else is the client's answer. It sees
 * method, path, host, authorization and the headers that are allowed. Source: Envoy's documentation of ext_authz.
 */
export function httpAuthorizer(options: HttpAuthorizerOptions): Authorizer & { readonly timeoutMs: number } {
  const { service, slots } = options;
  const cluster = service.serverUri?.httpUpstreamType?.value;
  if (cluster === undefined) throw new Error("the authorizer has no cluster");
  const slot = slots.get(cluster);
  const request = compileRequest(options);
  const answer = compileAnswer(service);
  return {
    timeoutMs: milliseconds(service.serverUri?.timeout) ?? 0,
    check: async (checked, signal) => {
      try {
        return answer(await requestCluster(slot, request(checked), signal));
      } catch (error) {
        return { verdict: "error", reason: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

function compileRequest({ service, allowedHeaders, disallowedHeaders }: HttpAuthorizerOptions) {
  const allowed = headerTest(allowedHeaders ?? service.authorizationRequest?.allowedHeaders) ?? (() => false);
  const disallowed = headerTest(disallowedHeaders) ?? (() => false);
  const added = (service.authorizationRequest?.headersToAdd ?? []).map(({ key, value }) => {
    if (/[\r\n\0]/.test(key + value)) throw new Error(`header ${JSON.stringify(key)} has a line break`);
    return [key.toLowerCase(), value] as const;
  });
  const replaced = new Set(added.map(([name]) => name));
  return ({ exchange, body }: CheckedRequest): OwnRequest => {
    const { head, connection } = exchange;
    const passed = joined(head.entries()).filter(
      ([name]) =>
        isForwardable(name) && !replaced.has(name) && (name === "authorization" || allowed(name)) && !disallowed(name),
    );
    return {
      method: head.method,
      path: service.pathPrefix + head.path,
      authority: head.authority,
      headers: [...passed, ...added, ...(body === undefined ? [] : [[PARTIAL, String(body.partial)] as const])],
      body: body?.bytes ?? Buffer.alloc(0),
      destinationAddress: connection.destinationAddress,
      destinationPort: connection.destinationPort,
    };
  };
}

/** Lines of one name as one, which RFC 9110 5.3 allows. */
function joined(lines: readonly HeaderLine[]): readonly HeaderLine[] {
  const values = new Map<string, string>();
  for (const [name, value] of lines) {
    const before = values.get(name);
    const separator = name === "cookie" ? "; " : ",";
    values.set(name, before === undefined ? value : before + separator + value);
  }
  return [...values];
}

function compileAnswer({ authorizationResponse: rules }: HttpService): (response: OwnResponse) => Answer {
  const toUpstream = headerTest(rules?.allowedUpstreamHeaders) ?? (() => false);
  const appended = headerTest(rules?.allowedUpstreamHeadersToAppend) ?? (() => false);
  const onAllow = headerTest(rules?.allowedClientHeadersOnSuccess) ?? (() => false);
  const listed = headerTest(rules?.allowedClientHeaders);
  // Without a list the client gets them all; with one, also what the answer makes no sense without.
  const onDeny: StringTest =
    listed === undefined ? () => true : (name) => name === "location" || name === "www-authenticate" || listed(name);
  const metadata = headerTest(rules?.dynamicMetadataFromHeaders) ?? (() => false);
  return ({ status, headers, body }) => {
    const of = (test: StringTest): readonly HeaderLine[] =>
      headers.filter(([name]) => isForwardable(name) && test(name));
    if (status === 200) {
      const found = of(metadata);
      return {
        verdict: "allowed",
        set: of(toUpstream),
        append: of(appended),
        remove: headers.filter(([name]) => name === REMOVE).flatMap(([, names]) => namesIn(names)),
        toClient: of(onAllow),
        metadata: found.length === 0 ? undefined : Object.fromEntries(found),
      };
    }
    if (status >= 500) return { verdict: "error", reason: `it answered ${status}` };
    const own = headers.filter(([name]) => isForAnswer(name) && onDeny(name));
    return { verdict: "denied", status, headers: own, body: body.toString("utf8") };
  };
}

const namesIn = (list: string): readonly string[] =>
  list
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && isForwardable(name));

/** Whether a lower-case name is one of those that a list describes; undefined without a list. */
export function headerTest(list: ListStringMatcher | undefined): StringTest | undefined {
  if (list === undefined) return undefined;
  const regexes = new RegexCache();
  const tests = list.patterns.map((pattern) => compileStringMatcher({ ...pattern, ignoreCase: true }, regexes));
  return (name) => tests.some((test) => test(name));
}
