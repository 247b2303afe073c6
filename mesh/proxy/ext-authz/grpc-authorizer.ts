import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { GrpcService } from "#gen/xds/envoy/config/core/v3/grpc_service.ts";
import { CheckRequest, CheckResponse } from "#gen/xds/envoy/service/auth/v3/external_auth.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";
import { GrpcChannel } from "../upstream/grpc-channel.ts";
import { type Answer, type Authorizer, type HeaderLine, isForAnswer, isForwardable } from "./answer.ts";
import { type AttributeRules, connectionAttributes, requestAttributes } from "./attributes.ts";

const METHOD = "/envoy.service.auth.v3.Authorization/Check";
/** Envoy's, where the configuration has none. */
const defaultTimeoutMs = 200;

/** An authorizer that answers Envoy's Check. */
export class GrpcAuthorizer {
  readonly timeoutMs: number;
  readonly #channel: GrpcChannel;

  constructor(service: GrpcService | undefined, slots: ClusterSlots) {
    const target = service?.targetSpecifier;
    if (target?.$case !== "envoyGrpc") throw new Error("the authorizer has no cluster");
    this.timeoutMs = milliseconds(service?.timeout) ?? defaultTimeoutMs;
    const { clusterName, authority } = target.value;
    this.#channel = new GrpcChannel(slots.get(clusterName), authority || clusterName);
  }

  /** For requests. */
  forRequests(rules: AttributeRules): Authorizer {
    return {
      check: (checked, signal) => this.#ask(requestAttributes(checked, rules), checked.exchange.connection, signal),
    };
  }

  /** For connections. */
  checkConnection(connection: DownstreamConnection, signal: AbortSignal): Promise<Answer> {
    return this.#ask(connectionAttributes(connection), connection, signal);
  }

  async #ask(
    request: CheckRequest,
    { destinationAddress, destinationPort }: DownstreamConnection,
    signal: AbortSignal,
  ): Promise<Answer> {
    try {
      const message = CheckRequest.encode(request).finish();
      const { timeoutMs } = this;
      const call = { path: METHOD, message, timeoutMs, destinationAddress, destinationPort };
      return answerOf(CheckResponse.decode(await this.#channel.unary(call, signal)));
    } catch (error) {
      return { verdict: "error", reason: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** gRPC's status 0 lets in, every other refuses: with 403 where no status of HTTP is given. */
function answerOf({ status, httpResponse, dynamicMetadata }: CheckResponse): Answer {
  if ((status?.code ?? 0) === 0) {
    const ok = httpResponse?.$case === "okResponse" ? httpResponse.value : undefined;
    const edits = linesOf(ok?.headers ?? []);
    return {
      verdict: "allowed",
      set: edits.filter(({ appends }) => !appends).map(({ line }) => line),
      append: edits.filter(({ appends }) => appends).map(({ line }) => line),
      remove: (ok?.headersToRemove ?? []).map((name) => name.toLowerCase()).filter(isForwardable),
      toClient: linesOf(ok?.responseHeadersToAdd ?? []).map(({ line }) => line),
      metadata: dynamicMetadata,
    };
  }
  const denied = httpResponse?.$case === "deniedResponse" ? httpResponse.value : undefined;
  return {
    verdict: "denied",
    status: denied?.status?.code || 403,
    headers: linesOf(denied?.headers ?? [])
      .map(({ line }) => line)
      .filter(([name]) => isForAnswer(name)),
    body: denied?.body ?? "",
  };
}

/** `append` is the deprecated way to say it, and false where nothing is said. */
function linesOf(options: readonly HeaderValueOption[]): readonly { line: HeaderLine; appends: boolean }[] {
  return options.flatMap(({ header, append, appendAction }) => {
    const name = header?.key.toLowerCase() ?? "";
    const raw = header?.rawValue ?? Buffer.alloc(0);
    const value = raw.length > 0 ? raw.toString("latin1") : (header?.value ?? "");
    if (name === "" || !isForwardable(name) || /[^!#$%&'*+\-.^_`|~0-9a-z]/.test(name) || /[\r\n\0]/.test(value))
      return [];
    const replaces = appendAction === HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD;
    return [{ line: [name, value], appends: append === true && !replaces }];
  });
}
