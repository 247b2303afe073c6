import { Action, Authorization, Scope } from "#gen/istio/istio/security/authorization.ts";
import type { Snapshot, Workload } from "../../model/snapshot.ts";
import { hasLabels, mtlsModeOf } from "../peer-authentication.ts";

/** Name of an authorization's resource. */
export const authorizationKey = ({ namespace, name }: Pick<Authorization, "namespace" | "name">): string =>
  `${namespace}/${name}`;

/**
 * A ztunnel knows no PeerAuthentication: STRICT is a policy that denies callers without an identity. Where all ports are alike it is
 * one for the whole mesh, as in Istio; exceptions of single ports need one that names them. Undefined where nothing is strict.
 */
export function strictAuthorization(snapshot: Snapshot, workload: Workload): Authorization | undefined {
  const modeOf = mtlsModeOf(snapshot, workload);
  const own = snapshot.peerAuthentications.find(({ origin, spec }) => {
    const wanted = spec.selector?.matchLabels ?? {};
    return (
      origin.namespace === workload.namespace && Object.keys(wanted).length > 0 && hasLabels(workload.labels, wanted)
    );
  });
  const isStrict = modeOf(NO_PORT) === "STRICT";
  const ports = Object.keys(own?.spec.portLevelMtls ?? {}).map(Number);
  const exceptions = ports.filter((port) => (modeOf(port) === "STRICT") !== isStrict);
  if (own !== undefined && exceptions.length > 0) {
    return denyWithoutIdentity(
      { namespace: workload.namespace, name: `converted_peer_authentication_${own.origin.name}` },
      isStrict ? { notDestinationPorts: exceptions } : { destinationPorts: exceptions },
    );
  }
  if (!isStrict) return undefined;
  return denyWithoutIdentity({ namespace: snapshot.mesh.rootNamespace, name: "istio_converted_static_strict" }, {});
}

/** No policy can name it. */
const NO_PORT = 0;

function denyWithoutIdentity(
  key: { readonly namespace: string; readonly name: string },
  ports: { readonly destinationPorts?: number[]; readonly notDestinationPorts?: number[] },
): Authorization {
  const anyone = { matchType: { $case: "presence" as const, value: {} } };
  return Authorization.fromPartial({
    ...key,
    scope: Scope.WORKLOAD_SELECTOR,
    action: Action.DENY,
    groups: [{ rules: [{ matches: [{ notPrincipals: [anyone], ...ports }] }] }],
  });
}
