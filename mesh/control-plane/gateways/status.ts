import { isDeepStrictEqual } from "node:util";
import type { WaypointBinding } from "../translate/ambient/waypoints.ts";
import type { GatewayClassInfo } from "./classes.ts";
import type { Condition, DeploymentObject, GatewayObject, GatewayStatus, ListenerStatus } from "./objects.ts";

type Outcome = Pick<Condition, "type" | "status" | "reason" | "message">;

const yes = (type: string, message: string, reason = type): Outcome => ({ type, status: "True", reason, message });
const no = (type: string, reason: string, message: string): Outcome => ({ type, status: "False", reason, message });

export interface GatewayFacts {
  readonly info: GatewayClassInfo;
  readonly deployment: DeploymentObject | undefined;
  /** Full name of the Service that was made for it; undefined before there is one. */
  readonly hostname: string | undefined;
  /** What kept its objects from being written. */
  readonly failure: string | undefined;
  readonly now: Date;
}

/** The status that a Gateway is to have; undefined if it has that. Source: Gateway API v1, conditions of Gateways. */
export function gatewayStatus(gateway: GatewayObject, facts: GatewayFacts): GatewayStatus | undefined {
  const { status: before = {}, metadata, spec } = gateway;
  const programmed = programmedOf(facts);
  const outcomes = [yes("Accepted", "Resource accepted"), programmed, yes("ResolvedRefs", "All references resolved")];
  const at = { generation: metadata.generation, now: facts.now };
  const addresses =
    programmed.status === "True" && facts.hostname !== undefined
      ? [{ type: "Hostname", value: facts.hostname }]
      : // Once it was reachable it stays so for whoever uses it: what is behind it may come back.
        (before.addresses ?? []);
  const listeners = (spec.listeners ?? []).map(({ name }): ListenerStatus => {
    const known = before.listeners?.find((one) => one.name === name);
    const own = [
      yes("Accepted", "No errors found"),
      no("Conflicted", "NoConflicts", "No errors found"),
      { ...programmed, message: programmed.status === "True" ? "No errors found" : programmed.message },
      yes("ResolvedRefs", "No errors found"),
    ];
    const conditions = merge(known?.conditions, own, at);
    return {
      name,
      attachedRoutes: known?.attachedRoutes ?? 0,
      supportedKinds: known?.supportedKinds ?? [],
      conditions,
    };
  });
  const after = { addresses, conditions: merge(before.conditions, outcomes, at), listeners };
  const { addresses: a = [], conditions: c = [], listeners: l = [] } = before;
  return isDeepStrictEqual(after, { addresses: a, conditions: c, listeners: l }) ? undefined : after;
}

function programmedOf({ info, deployment, failure }: GatewayFacts): Outcome {
  if (!info.programmed)
    return no(
      "Programmed",
      "Invalid",
      `This control plane does not serve listeners of class ${info.name}: use a Gateway of networking.istio.io with the ingress gateway`,
    );
  if (failure !== undefined) return no("Programmed", "Invalid", failure);
  if ((deployment?.status?.availableReplicas ?? 0) === 0)
    return no("Programmed", "AddressNotAssigned", "No instance of the gateway is ready yet");
  return yes("Programmed", "Resource programmed");
}

/** The conditions of a GatewayClass that is ours; undefined if it has them. */
export function classConditions(
  before: readonly Condition[] | undefined,
  at: { readonly generation: number | undefined; readonly now: Date },
): readonly Condition[] | undefined {
  const after = merge(before, [yes("Accepted", "Handled by Istio controller")], at);
  return isDeepStrictEqual(after, before) ? undefined : after;
}

export const WAYPOINT_BOUND = "istio.io/WaypointBound";

/** The conditions that a Service is to have for its waypoint; undefined if it has them. */
export function serviceConditions(
  before: readonly Condition[],
  binding: WaypointBinding,
  at: { readonly generation: number | undefined; readonly now: Date },
): readonly Condition[] | undefined {
  const others = before.filter(({ type }) => type !== WAYPOINT_BOUND);
  if (binding.kind === "none") return others.length === before.length ? undefined : others;
  const outcome =
    binding.kind === "bound"
      ? yes(
          WAYPOINT_BOUND,
          `Successfully attached to waypoint ${binding.waypoint.origin.namespace}/${binding.waypoint.origin.name}`,
          "WaypointAccepted",
        )
      : no(WAYPOINT_BOUND, binding.reason, binding.message);
  const after = merge(before, [outcome], at);
  return isDeepStrictEqual(after, before) ? undefined : after;
}

/** Conditions with these put in by type; the time of one whose status stays is kept. */
function merge(
  before: readonly Condition[] = [],
  outcomes: readonly Outcome[],
  { generation, now }: { readonly generation: number | undefined; readonly now: Date },
): readonly Condition[] {
  const made = outcomes.map((outcome): Condition => {
    const known = before.find(({ type }) => type === outcome.type);
    const same = known?.status === outcome.status;
    return {
      ...outcome,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: same ? known.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, "Z"),
    };
  });
  const types = new Set(made.map(({ type }) => type));
  return [...before.filter(({ type }) => !types.has(type)), ...made];
}
