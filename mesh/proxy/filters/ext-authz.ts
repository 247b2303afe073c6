import { ExtAuthz, ExtAuthzPerRoute } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import { fractionOf } from "../../lib/match/fraction.ts";
import { compileMetadataMatcher, valueAt } from "../../lib/match/metadata-match.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { Answer, Authorizer, CheckedRequest } from "../ext-authz/answer.ts";
import { GrpcAuthorizer } from "../ext-authz/grpc-authorizer.ts";
import { headerTest, httpAuthorizer } from "../ext-authz/http-authorizer.ts";
import type { RequestSink } from "../request-record.ts";
import { authorizerDetails, manifestOf } from "./denial.ts";
import type { FilterContext, FilterExchange, FilterFactory, FilterVerdict, HttpFilter } from "./filter.ts";

const NAME = "envoy.filters.http.ext_authz";
/** Of Envoy's response flags: who asks for authorization refused. */
const FLAG = "UAEX";

/** Asks an external authorizer about requests (Envoy's ext_authz) and does what it says. */
export const extAuthzFilter: FilterFactory = {
  name: NAME,
  create: (config, context): HttpFilter | undefined => {
    if (config === undefined) return undefined;
    const filter = new ExtAuthzFilter(ExtAuthz.decode(config.value), context);
    return { name: NAME, guards: true, onRequest: (exchange) => filter.onRequest(exchange) };
  },
  compileRoute: (config) => {
    const { override } = ExtAuthzPerRoute.decode(config.value);
    return override?.$case === "disabled" && override.value ? "disabled" : undefined;
  },
};

class ExtAuthzFilter {
  readonly #config: ExtAuthz;
  readonly #sink: RequestSink;
  readonly #random: () => number;
  readonly #authorizer: Authorizer;
  readonly #timeoutMs: number;
  readonly #enabled: ((exchange: FilterExchange) => boolean) | undefined;
  readonly #fraction: number;

  constructor(config: ExtAuthz, { slots, sink, random }: FilterContext) {
    this.#config = config;
    this.#sink = sink;
    this.#random = random;
    const { services, allowedHeaders, disallowedHeaders, filterEnabledMetadata } = config;
    if (services?.$case === "httpService") {
      const made = httpAuthorizer({ service: services.value, allowedHeaders, disallowedHeaders, slots });
      this.#authorizer = made;
      this.#timeoutMs = made.timeoutMs;
    } else {
      const grpc = new GrpcAuthorizer(services?.value, slots);
      const allowed = headerTest(allowedHeaders);
      const disallowed = headerTest(disallowedHeaders);
      this.#authorizer = grpc.forRequests({
        sends: (name) => (allowed === undefined || allowed(name)) && disallowed?.(name) !== true,
        packAsBytes: config.withRequestBody?.packAsBytes ?? false,
        includeTlsSession: config.includeTlsSession,
        metadata: config.metadataContextNamespaces,
      });
      this.#timeoutMs = grpc.timeoutMs;
    }
    const asks =
      filterEnabledMetadata === undefined ? undefined : compileMetadataMatcher(filterEnabledMetadata, new RegexCache());
    this.#enabled =
      asks && ((exchange) => asks({ metadata: (filter, path) => valueAt(exchange.metadata.get(filter), path) }));
    this.#fraction = config.filterEnabled === undefined ? 1 : fractionOf(config.filterEnabled.defaultValue);
  }

  onRequest(exchange: FilterExchange): FilterVerdict {
    if (exchange.route.filters.get(NAME) === "disabled") return "continue";
    if (this.#enabled?.(exchange) === false) return "continue";
    if (this.#fraction < 1 && this.#random() >= this.#fraction) return "continue";
    const { withRequestBody } = this.#config;
    if (withRequestBody === undefined || withRequestBody.maxRequestBytes === 0 || !exchange.hasBody) {
      this.#ask({ exchange, body: undefined });
      return "stop";
    }
    const { maxRequestBytes, allowPartialMessage } = withRequestBody;
    exchange.readBody(maxRequestBytes, (bytes, partial) => {
      if (partial && !allowPartialMessage) {
        const details = "request_payload_too_large";
        exchange.reply({ status: 413, body: "Payload Too Large", flags: "", details });
      } else this.#ask({ exchange, body: { bytes, partial } });
    });
    return "stop";
  }

  #ask(request: CheckedRequest): void {
    const { exchange } = request;
    const controller = new AbortController();
    let over = false;
    const timer =
      this.#timeoutMs > 0
        ? setTimeout(() => controller.abort(new Error("it did not answer in time")), this.#timeoutMs)
        : undefined;
    // The exchange serves other requests later.
    exchange.onEnd(() => {
      over = true;
      clearTimeout(timer);
      controller.abort(new Error("the request is over"));
    });
    void this.#authorizer.check(request, controller.signal).then((answer) => {
      clearTimeout(timer);
      if (!over) this.#conclude(exchange, answer);
    });
  }

  #conclude(exchange: FilterExchange, answer: Answer): void {
    const policy = this.#policyOf(exchange);
    switch (answer.verdict) {
      case "allowed":
        this.#sink.decided?.(policy, "allowed");
        this.#allow(exchange, answer);
        return;
      case "denied": {
        this.#sink.decided?.(policy, "denied");
        const { status, body, headers } = answer;
        const details = authorizerDetails("ext_authz_denied", policy);
        exchange.reply({ status, body, headers, flags: FLAG, details, ...manifestOf(policy) });
        return;
      }
      case "error": {
        const { failureModeAllow, failureModeAllowHeaderAdd, statusOnError } = this.#config;
        this.#sink.decided?.(policy, failureModeAllow ? "failed_open" : "failed");
        if (failureModeAllow) {
          if (failureModeAllowHeaderAdd) exchange.head.set("x-envoy-auth-failure-mode-allowed", "true");
          exchange.proceed();
          return;
        }
        const details = authorizerDetails("ext_authz_error", policy, answer.reason);
        exchange.reply({ status: statusOnError?.code || 403, body: "", flags: FLAG, details, ...manifestOf(policy) });
      }
    }
  }

  #allow(exchange: FilterExchange, answer: Extract<Answer, { verdict: "allowed" }>): void {
    const { head } = exchange;
    for (const name of new Set(answer.set.map(([name]) => name))) head.remove(name);
    for (const [name, value] of answer.set) head.add(name, value);
    for (const [name, value] of answer.append) head.add(name, value);
    for (const name of answer.remove) head.remove(name);
    for (const [name, value] of answer.toClient) exchange.addToAnswer(name, value);
    if (answer.metadata !== undefined) exchange.metadata.set(NAME, answer.metadata);
    const edits = answer.set.length + answer.append.length + answer.remove.length;
    if (this.#config.clearRouteCache && edits > 0) exchange.refreshRoute();
    exchange.proceed();
  }

  /** The rule that led to the question, by the filter that looked at the rules before. */
  #policyOf(exchange: FilterExchange): string | undefined {
    const { filterEnabledMetadata } = this.#config;
    if (filterEnabledMetadata === undefined) return undefined;
    const path = filterEnabledMetadata.path.map(({ segment }) => segment?.value ?? "");
    const value = valueAt(exchange.metadata.get(filterEnabledMetadata.filter), path);
    return typeof value === "string" ? value : undefined;
  }
}
