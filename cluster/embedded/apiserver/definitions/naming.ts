import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, equalJson, type JsonObject } from "../../machinery/json.ts";

/** The names of a definition that count, and what its conditions say of them. Source: Kubernetes' documentation of custom resource definitions. */
export function namedStatus(definition: ApiObject, others: readonly ApiObject[], now: string): JsonObject {
  const wanted = asObject(asObject(definition.spec).names);
  const status = asObject(definition.status);
  const before = asObject(status.acceptedNames);
  const taken = takenNames(definition, others);
  const accepted: JsonObject = {};
  let conflict: { readonly reason: string; readonly message: string } | undefined;
  for (const [name, reason] of [
    ["plural", "PluralConflict"],
    ["singular", "SingularConflict"],
    ["kind", "KindConflict"],
    ["listKind", "ListKindConflict"],
  ] as const) {
    const value = asString(wanted[name]);
    const isKind = name === "kind" || name === "listKind";
    const isTaken = value !== before[name] && (isKind ? taken.kinds : taken.resources).has(value);
    if (isTaken) conflict = { reason, message: `${JSON.stringify(value)} is already in use` };
    else if (value !== "") accepted[name] = value;
    if (isTaken && (name === "plural" || name === "kind")) accepted[name] = before[name] ?? "";
  }
  const short = asArray(wanted.shortNames).map(asString);
  const clashing = short.filter((name) => taken.resources.has(name) && !asArray(before.shortNames).includes(name));
  if (clashing.length > 0)
    conflict = {
      reason: "ShortNamesConflict",
      message: `[${clashing.map((name) => `${JSON.stringify(name)} is already in use`).join(", ")}]`,
    };
  else if (short.length > 0) accepted.shortNames = short;
  const categories = asArray(wanted.categories);
  if (categories.length > 0) accepted.categories = categories;
  return {
    ...status,
    acceptedNames: { ...ordered(accepted) },
    conditions: withConditions(asArray(status.conditions).map(asObject), conflict, now),
  };
}

const ordered = ({ plural, singular, shortNames, kind, listKind, categories }: JsonObject): JsonObject =>
  JSON.parse(JSON.stringify({ plural, singular, shortNames, kind: kind ?? "", listKind, categories })) as JsonObject;

/** Names that other definitions of the group hold. */
function takenNames(
  { metadata, spec }: ApiObject,
  others: readonly ApiObject[],
): { readonly resources: ReadonlySet<string>; readonly kinds: ReadonlySet<string> } {
  const inGroup = others.filter(
    (other) => other.metadata.name !== metadata.name && asObject(other.spec).group === asObject(spec).group,
  );
  const names = inGroup.map(({ status }) => asObject(asObject(status).acceptedNames));
  return {
    resources: new Set(
      names.flatMap(({ plural, singular, shortNames }) =>
        [plural, singular, ...asArray(shortNames)].map((name) => asString(name)).filter(Boolean),
      ),
    ),
    kinds: new Set(names.flatMap(({ kind, listKind }) => [asString(kind), asString(listKind)]).filter(Boolean)),
  };
}

function withConditions(
  before: readonly JsonObject[],
  conflict: { readonly reason: string; readonly message: string } | undefined,
  now: string,
): JsonObject[] {
  const was = (type: string): JsonObject | undefined => before.find((one) => one.type === type);
  const isEstablished = was("Established")?.status === "True";
  const established = isEstablished
    ? was("Established")
    : conflict === undefined
      ? {
          type: "Established",
          status: "True",
          reason: "InitialNamesAccepted",
          message: "the initial names have been accepted",
        }
      : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  const names =
    conflict === undefined
      ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
      : { type: "NamesAccepted", status: "False", ...conflict };
  const mine = [names, established ?? {}].map((condition): JsonObject => {
    const { type, status, ...rest } = condition as JsonObject;
    const old = was(asString(type));
    const since = old?.status === status ? old?.lastTransitionTime : now;
    return { type: type ?? "", status: status ?? "", ...rest, lastTransitionTime: since ?? now };
  });
  const others = before.filter(({ type }) => type !== "NamesAccepted" && type !== "Established");
  const merged = [...mine, ...others];
  return equalJson([...before], merged) ? [...before] : merged;
}

/** Whether the API server serves the kinds of a definition. */
export const isServed = ({ status }: ApiObject): boolean =>
  asArray(asObject(status).conditions).some(
    (one) => asObject(one).type === "Established" && asObject(one).status === "True",
  );
