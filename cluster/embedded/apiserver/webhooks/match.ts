import { selects } from "#kube/selector.ts";
import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, type Json, type JsonObject } from "../../machinery/json.ts";
import type { Store } from "../../store/store.ts";
import { bucketOf, type Kind } from "../kinds.ts";
import type { AdmissionRequest } from "./review.ts";

/** The version of the kind in which a webhook wants to hear of a request; undefined if it does not. Conditions apart. */
export function matchingKind(
  hook: JsonObject,
  admission: AdmissionRequest,
  { store, kinds }: { readonly store: Store; readonly kinds: readonly Kind[] },
): Kind | undefined {
  if (!inNamespace(hook, admission, store) || !hasLabels(hook, admission)) return undefined;
  const rules = asArray(hook.rules).map(asObject);
  if (rules.some((rule) => covers(rule, admission, admission.kind))) return admission.kind;
  if (hook.matchPolicy === "Exact") return undefined;
  const others = kinds.filter((kind) => bucketOf(kind) === bucketOf(admission.kind) && kind !== admission.kind);
  for (const rule of rules) {
    const found = others.find((kind) => covers(rule, admission, kind));
    if (found !== undefined) return found;
  }
  return undefined;
}

const has = (list: Json | undefined, value: string): boolean =>
  asArray(list).some((item) => item === "*" || item === value);

function covers(rule: JsonObject, { operation, subresource = "" }: AdmissionRequest, kind: Kind): boolean {
  const { scope = "*" } = rule;
  return (
    (scope === "*" || (scope === "Namespaced") === kind.namespaced) &&
    has(rule.operations, operation) &&
    has(rule.apiGroups, kind.group) &&
    has(rule.apiVersions, kind.version) &&
    asArray(rule.resources).some((item) => isResource(String(item), kind.resource, subresource))
  );
}

function isResource(pattern: string, resource: string, subresource: string): boolean {
  const [wanted, wantedSub = ""] = pattern.split("/");
  return (wanted === "*" || wanted === resource) && (wantedSub === "*" || wantedSub === subresource);
}

function hasLabels({ objectSelector }: JsonObject, { object, old }: AdmissionRequest): boolean {
  const fits = (one: ApiObject | undefined): boolean =>
    one !== undefined && selects(asObject(objectSelector), one.metadata.labels ?? {});
  // What cannot have labels is only left out by those who ask for some.
  if (object === undefined && old === undefined) return Object.keys(asObject(objectSelector)).length === 0;
  return fits(object) || fits(old);
}

function inNamespace(
  { namespaceSelector }: JsonObject,
  { kind, object, old }: AdmissionRequest,
  store: Store,
): boolean {
  const subject = object ?? old;
  const isNamespace = bucketOf(kind) === "/namespaces";
  const name = isNamespace ? subject?.metadata.name : subject?.metadata.namespace;
  if (name === undefined) return true;
  // A namespace that is being made is told by what it is to be.
  const namespace = store.get({ bucket: "/namespaces", namespace: "", name }) ?? (isNamespace ? subject : undefined);
  return selects(asObject(namespaceSelector), namespace?.metadata.labels ?? {});
}
