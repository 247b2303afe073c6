import type { Field } from "./check.ts";
import { isRecord } from "./check.ts";
import {
  checkDuration,
  checkHeaderName,
  checkHost,
  checkLabelName,
  checkLabels,
  checkNotNegative,
  checkOneOf,
  checkPercent,
  checkPercentage,
  checkPort,
  checkRangeOf,
  checkRegex,
  checkStringMatch,
} from "./rules.ts";

const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
/** Source: x-envoy-retry-on and x-envoy-retry-grpc-on in Envoy's documentation of the router filter. */
const retryPolicies: ReadonlySet<string> = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);
const actions = ["route", "redirect", "directResponse", "delegate"];

export function checkHttpRoute(route: Field, { isDelegate }: { readonly isDelegate: boolean }): void {
  const used = route.presentOf(...actions);
  if (used.length === 0) route.error(`needs one of ${actions.join(", ")}`);
  if (
    used.length > 1 &&
    !(
      used.length === 2 &&
      used.includes("route") &&
      used.includes("directResponse") &&
      route.at("route").items().length === 0
    )
  ) {
    route.error(`may have only one of ${actions.join(", ")}, not ${used.join(" and ")}`);
  }
  if (isDelegate && route.has("delegate")) route.at("delegate").error("a delegate may not delegate further");
  for (const match of route.at("match").items()) checkMatch(match);
  checkDestinations(route.at("route"));
  checkRedirect(route);
  checkDirectResponse(route.at("directResponse"));
  checkDelegateReference(route.at("delegate"));
  checkRewrite(route.at("rewrite"));
  checkDuration(route.at("timeout"), { zero: true });
  checkRetries(route.at("retries"));
  checkFault(route.at("fault"));
  checkMirrors(route);
  checkCors(route.at("corsPolicy"));
  checkHeaderEdits(route.at("headers"));
}

function checkMatch(match: Field): void {
  if (!isRecord(match.value))
    return match.error("must not be empty; leave the list of matches out to match everything");
  for (const name of ["uri", "scheme", "method", "authority"]) checkStringMatch(match.at(name));
  for (const name of ["headers", "withoutHeaders"]) {
    for (const [header, condition] of match.at(name).entries()) {
      // Claims of a verified token are addressed as if they were a header.
      if (!header.startsWith("@request.auth.")) checkHeaderName(condition, header.replace(/^:/, ""));
      checkStringMatch(condition);
    }
  }
  for (const [name, condition] of match.at("queryParams").entries()) {
    if (name === "") condition.error("a parameter's name must not be empty");
    checkStringMatch(condition);
  }
  checkPort(match.at("port"));
  checkLabels(match.at("sourceLabels"));
  checkLabelName(match.at("sourceNamespace"), "namespace");
}

/** The destinations of a route with their weights. */
export function checkDestinations(list: Field): void {
  const destinations = list.items();
  for (const entry of destinations) {
    checkDestination(entry.at("destination"));
    checkNotNegative(entry.at("weight"));
    checkHeaderEdits(entry.at("headers"));
  }
  if (destinations.length < 2) return;
  const weights = destinations.map((entry) => entry.at("weight").value ?? 0);
  if (weights.every((weight) => weight === 0))
    list.error("all weights are zero, so no destination would get a request");
}

function checkDestination(destination: Field): void {
  if (!destination.require()) return;
  const host = destination.at("host");
  if (host.require()) {
    if (String(host.value).includes("*")) host.error("a destination's host must not hold a wildcard");
    else checkHost(host);
  }
  checkLabelName(destination.at("subset"), "subset");
  checkPort(destination.at("port").at("number"));
}

function checkRedirect(route: Field): void {
  const redirect = route.at("redirect");
  if (!redirect.present) return;
  for (const name of route.presentOf("rewrite", "fault"))
    route.at(name).error("may not stand beside a redirect: no request is sent on");
  if (redirect.presentOf("uri", "authority", "port", "derivePort", "scheme", "redirectCode").length === 0) {
    redirect.error("must change something: uri, authority, port, scheme or redirectCode");
  }
  if (redirect.has("port") && redirect.has("derivePort")) redirect.error("may have only one of port and derivePort");
  checkPort(redirect.at("port"));
  checkOneOf(redirect.at("scheme"), ["http", "https"]);
  const code = redirect.at("redirectCode").number();
  if (code !== undefined && ![301, 302, 303, 307, 308].includes(code))
    redirect.at("redirectCode").error(`${code} is not a redirection (301, 302, 303, 307, 308)`);
}

function checkDirectResponse(response: Field): void {
  if (!response.present) return;
  if (response.at("status").require()) checkRangeOf(response.at("status"), 200, 599);
  if (response.at("body").presentOf("string", "bytes").length > 1)
    response.at("body").error("may have only one of string and bytes");
}

function checkDelegateReference(delegate: Field): void {
  if (!delegate.present) return;
  delegate.at("name").require();
  checkLabelName(delegate.at("namespace"), "namespace");
}

function checkRewrite(rewrite: Field): void {
  if (!rewrite.present) return;
  if (rewrite.presentOf("uri", "authority", "uriRegexRewrite").length === 0)
    rewrite.error("must rewrite something: uri, authority or uriRegexRewrite");
  const regex = rewrite.at("uriRegexRewrite");
  if (!regex.present) return;
  if (rewrite.has("uri")) rewrite.error("may have only one of uri and uriRegexRewrite");
  if (regex.at("match").require()) checkRegex(regex.at("match"));
  regex.at("rewrite").require();
}

function checkRetries(retries: Field): void {
  if (!retries.present) return;
  checkNotNegative(retries.at("attempts"));
  if (retries.at("attempts").value === 0) {
    for (const name of retries.presentOf("perTryTimeout", "retryOn"))
      retries.at(name).error("has no meaning with attempts: 0, which switches retries off");
  }
  checkDuration(retries.at("perTryTimeout"), { zero: true });
  checkDuration(retries.at("backoff"), { zero: true });
  const retryOn = retries.at("retryOn");
  for (const policy of (retryOn.text() ?? "").split(",").map((part) => part.trim())) {
    const isStatus = /^\d+$/.test(policy) && Number(policy) >= 200 && Number(policy) <= 599;
    if (policy !== "" && !isStatus && !retryPolicies.has(policy))
      retryOn.error(`"${policy}" is no reason to retry; there are ${[...retryPolicies].join(", ")} and status codes`);
  }
}

function checkFault(fault: Field): void {
  if (!fault.present) return;
  if (fault.presentOf("delay", "abort").length === 0) fault.error("needs a delay or an abort");
  const delay = fault.at("delay");
  if (delay.present) {
    if (delay.at("fixedDelay").require()) checkDuration(delay.at("fixedDelay"));
    checkPercentage(delay.at("percent"));
    checkPercent(delay.at("percentage"));
  }
  const abort = fault.at("abort");
  if (!abort.present) return;
  const kinds = abort.presentOf("httpStatus", "grpcStatus", "http2Error");
  if (kinds.length === 0) abort.error("needs httpStatus or grpcStatus");
  if (kinds.length > 1) abort.error(`may have only one of ${kinds.join(" and ")}`);
  checkRangeOf(abort.at("httpStatus"), 200, 599);
  checkPercent(abort.at("percentage"));
}

function checkMirrors(route: Field): void {
  if (route.has("mirror")) checkDestination(route.at("mirror"));
  if (route.has("mirror") && route.at("mirrors").items().length > 0)
    route.at("mirrors").error("may not stand beside mirror");
  checkPercent(route.at("mirrorPercentage"));
  checkPercentage(route.at("mirrorPercent"));
  for (const mirror of route.at("mirrors").items()) {
    checkDestination(mirror.at("destination"));
    checkPercent(mirror.at("percentage"));
  }
}

function checkCors(cors: Field): void {
  if (!cors.present) return;
  for (const origin of cors.at("allowOrigins").items()) checkStringMatch(origin);
  for (const method of cors.at("allowMethods").items()) {
    if (method.value !== "*") checkOneOf(method, methods);
  }
  for (const name of ["allowHeaders", "exposeHeaders"]) {
    for (const header of cors.at(name).items()) {
      const text = header.text();
      if (text !== undefined && text !== "*") checkHeaderName(header, text);
    }
  }
  checkDuration(cors.at("maxAge"), { zero: true });
}

function checkHeaderEdits(headers: Field): void {
  for (const direction of ["request", "response"]) {
    const edits = headers.at(direction);
    for (const operation of ["set", "add"]) {
      for (const [name, value] of edits.at(operation).entries()) {
        // The host of a request may be set; all else that begins with a colon belongs to the protocol.
        if (!(direction === "request" && name === ":authority")) checkHeaderName(value, name);
        value.text();
      }
    }
    for (const name of edits.at("remove").items()) {
      const text = name.text();
      if (text !== undefined) checkHeaderName(name, text);
    }
  }
}
