import { randomUUID } from "node:crypto";
import type { ApiObject } from "../../machinery/api-object.ts";
import { cloneJson, type JsonObject } from "../../machinery/json.ts";
import { apiVersionOf, type Kind } from "../kinds.ts";
import type { WriteOptions } from "../registry.ts";

/** A write that webhooks are asked about. */
export interface AdmissionRequest {
  readonly kind: Kind;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly subresource?: string;
  readonly object: ApiObject | undefined;
  readonly old: ApiObject | undefined;
  readonly options: WriteOptions;
  /** What the object is when it is none of the kind: a TokenRequest, a Scale. */
  readonly objectKind?: { readonly group: string; readonly version: string; readonly kind: string };
}

/** Another version of a kind, in which a webhook wants it. */
export interface Matched {
  readonly kind: Kind;
  /** The object in that version. */
  readonly show: (object: ApiObject) => ApiObject;
}

/** What the API server gives an object after it was changed by webhooks. */
const later = ["uid", "creationTimestamp", "generation"] as const;

/** A new object as mutating webhooks see it: before it has an identity. */
export function beforeIdentity(object: ApiObject): ApiObject {
  const copy = cloneJson(object);
  for (const name of later) delete copy.metadata[name];
  if (copy.metadata.generateName && copy.metadata.name?.startsWith(copy.metadata.generateName))
    delete copy.metadata.name;
  return copy;
}

/** Gives what webhooks made of a new object its identity back. */
export function withIdentity(changed: ApiObject, { metadata }: ApiObject): ApiObject {
  const identity = Object.fromEntries(
    later.flatMap((name) => (metadata[name] === undefined ? [] : [[name, metadata[name]]])),
  );
  return {
    ...changed,
    metadata: { ...changed.metadata, name: changed.metadata.name ?? metadata.name ?? "", ...identity },
  };
}

/** The request of an AdmissionReview. */
export function requestOf(
  admission: AdmissionRequest,
  { kind, show }: Matched,
  object: ApiObject | undefined,
): JsonObject {
  const { operation, old, options, subresource = "", kind: asked, objectKind } = admission;
  const subject = object ?? old;
  const gvk = (of: Kind): JsonObject => ({
    group: objectKind?.group ?? of.group,
    version: objectKind?.version ?? of.version,
    kind: objectKind?.kind ?? of.kind,
  });
  const gvr = (of: Kind): JsonObject => ({ group: of.group, version: of.version, resource: of.resource });
  const name = options.isCollection === true ? "" : (subject?.metadata.name ?? "");
  const { namespace } = subject?.metadata ?? {};
  const shown = (one: ApiObject): JsonObject =>
    (objectKind === undefined ? { ...show(one), apiVersion: apiVersionOf(kind) } : one) as JsonObject;
  return {
    uid: randomUUID(),
    kind: gvk(kind),
    resource: gvr(kind),
    ...(subresource !== "" && { subResource: subresource }),
    requestKind: gvk(asked),
    requestResource: gvr(asked),
    ...(subresource !== "" && { requestSubResource: subresource }),
    ...(name !== "" && { name }),
    ...(namespace !== undefined && { namespace }),
    operation,
    userInfo: {
      username: options.user?.name ?? "system:apiserver",
      groups: [...(options.user?.groups ?? ["system:masters"])],
    },
    object: object === undefined ? null : shown(object),
    oldObject: old === undefined ? null : shown(old),
    dryRun: options.dryRun ?? false,
    options: {
      kind: optionKinds[operation],
      apiVersion: "meta.k8s.io/v1",
      ...options.asked,
    },
  };
}

const optionKinds = {
  CREATE: "CreateOptions",
  UPDATE: "UpdateOptions",
  DELETE: "DeleteOptions",
  CONNECT: "ConnectOptions",
} as const;
