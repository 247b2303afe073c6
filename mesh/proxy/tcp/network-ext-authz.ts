import { ExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import { compileMetadataMatcher, valueAt } from "../../lib/match/metadata-match.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import { GrpcAuthorizer } from "../ext-authz/grpc-authorizer.ts";
import { authorizerDetails, manifestOf } from "../filters/denial.ts";
import type { RequestSink } from "../request-record.ts";
import type { ClusterSlots } from "../upstream/cluster-slot.ts";
import type { ConnectionFindings, ConnectionGuard, Refusal } from "./network-rbac.ts";

/** Asks an external authorizer about connections whose bytes are not HTTP (Envoy's network ext_authz). */
export function compileNetworkExtAuthz(config: Uint8Array, slots: ClusterSlots, sink: RequestSink): ConnectionGuard {
  const { grpcService, failureModeAllow, filterEnabledMetadata: enabled } = ExtAuthz.decode(config);
  const authorizer = new GrpcAuthorizer(grpcService, slots);
  const asks = enabled === undefined ? undefined : compileMetadataMatcher(enabled, new RegexCache());
  const policyOf = (findings: ConnectionFindings): string | undefined => {
    const path = enabled?.path.map(({ segment }) => segment?.value ?? "") ?? [];
    const value = valueAt(findings.get(enabled?.filter ?? ""), path);
    return typeof value === "string" ? value : undefined;
  };
  return {
    kind: "authorizer",
    ask: (connection, findings) => {
      const source = { metadata: (filter: string, path: readonly string[]) => valueAt(findings.get(filter), path) };
      if (asks?.(source) === false) return undefined;
      const policy = policyOf(findings);
      const refusal = (details: string): Refusal => ({
        flags: "UAEX",
        details,
        configSource: manifestOf(policy).decidedBy ?? "",
      });
      const timeout = authorizer.timeoutMs;
      const signal = timeout > 0 ? AbortSignal.timeout(timeout) : new AbortController().signal;
      return authorizer.checkConnection(connection, signal).then((answer) => {
        switch (answer.verdict) {
          case "allowed":
            sink.decided?.(policy, "allowed");
            return undefined;
          case "denied":
            sink.decided?.(policy, "denied");
            return refusal(authorizerDetails("ext_authz_denied", policy));
          case "error":
            sink.decided?.(policy, failureModeAllow ? "failed_open" : "failed");
            return failureModeAllow ? undefined : refusal(authorizerDetails("ext_authz_error", policy, answer.reason));
        }
      });
    },
  };
}
