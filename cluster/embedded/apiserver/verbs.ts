import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, isObject } from "../machinery/json.ts";
import type { DeleteOptions } from "../machinery/resources.ts";
import { isCustom } from "./custom-kinds.ts";
import { apiVersionOf, bucketOf, deprecations, type Kind } from "./kinds.ts";
import { list, selectionOf } from "./listing.ts";
import { bindPod } from "./local-resources.ts";
import { patch } from "./patch-verb.ts";
import type { Registry, WriteOptions } from "./registry.ts";
import { sendList, sendObject } from "./representation.ts";
import { type ResourceRequest, readBody, readJson, sendJson, unrecognized } from "./request.ts";
import { scale } from "./scale.ts";
import { about, badRequest, invalid, methodNotAllowed, notFound, unknownPath } from "./status.ts";
import { streamChanges } from "./watch-stream.ts";
import { unsupported, writeOptions } from "./write-options.ts";

export interface VerbContext {
  readonly registry: Registry;
  readonly pods: Kind;
  readonly now: () => string;
}

/** Whatever is said and is not a way to say no. */
const isTrue = (value: string | null): boolean => value !== null && value !== "" && value !== "0" && value !== "false";

/** The verb that RBAC knows a request by. */
export function verbOf({
  request,
  name,
  query,
  isWatch,
}: Pick<ResourceRequest, "request" | "name" | "query" | "isWatch">): string {
  switch (request.method) {
    case "GET":
      if (isWatch || isTrue(query.get("watch"))) return "watch";
      return name === undefined ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === undefined ? "deletecollection" : "delete";
    default:
      throw methodNotAllowed();
  }
}

/** Answers a request about stored objects. */
export async function answerVerb(
  context: VerbContext,
  target: ResourceRequest,
  response: ServerResponse,
): Promise<void> {
  const { subresource, kind } = target;
  if (isCustom(kind) && subresource !== "" && !kind.subresources.some((one) => one === subresource))
    throw ["status", "scale"].includes(subresource) ? notFound(kind, target.name ?? "") : unknownPath();
  if (subresource === "scale") return scale(context, target, response);
  if (subresource === "binding" || subresource === "eviction") return act(context, target, response);
  if (subresource !== "" && !["status", "finalize", "approval", "ephemeralcontainers"].includes(subresource))
    throw unknownPath();
  if (subresource !== "" && !kind.subresources.includes(subresource as Kind["subresources"][number]))
    throw unknownPath();
  const deprecation = isCustom(kind) ? kind.deprecation : deprecations[bucketOf(kind)];
  if (deprecation !== undefined) response.setHeader("warning", `299 - ${JSON.stringify(deprecation)}`);
  if (target.name !== undefined && target.request.method === "POST" && subresource === "") throw methodNotAllowed();
  switch (verbOf(target)) {
    case "watch":
      return streamChanges(context.registry, target, { fits: selectionOf(target), response });
    case "list":
      return list(context.registry, target, response);
    case "get":
      return get(context, target, response);
    case "create":
      return create(context, target, response);
    case "update":
      return update(context, target, response);
    case "patch":
      return patch(context, target, response);
    default:
      return remove(context, target, response);
  }
}

function get({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): void {
  const { kind, namespace, name = "" } = target;
  const object = registry.get(kind, namespace, name);
  if (object === undefined) throw notFound(kind, name);
  sendObject(response, target, { code: 200, object, encoded: registry.store.encode(object) });
}

async function create({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { body, duplicates } = await readObject(target);
  if (
    target.namespace !== undefined &&
    body.metadata.namespace !== undefined &&
    body.metadata.namespace !== target.namespace
  ) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (target.kind.namespaced) body.metadata.namespace = target.namespace ?? "default";
  const options = { ...writeOptions(target, response, "CreateOptions"), duplicates };
  const object = await registry.create(target.kind, body, options);
  sendObject(response, target, { code: 201, object });
}

async function update({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { body, duplicates } = await readObject(target);
  const { kind, namespace, name = "" } = target;
  const options = { ...writeOptions(target, response, "UpdateOptions"), duplicates };
  if (
    isCustom(kind) &&
    (body.metadata.resourceVersion ?? "") === "" &&
    registry.get(kind, namespace, name) !== undefined
  )
    throw invalid({ group: kind.group, kind: kind.resource }, name, [
      { field: "metadata.resourceVersion", message: "Invalid value: 0: must be specified for an update" },
    ]);
  sendObject(response, target, {
    code: 200,
    object: await registry.update(kind, { namespace, name }, () => body, options),
  });
}

async function remove({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { kind, namespace, name, query, request } = target;
  const body = asObject((await readJson(request)) as never);
  const grace = body.gracePeriodSeconds ?? query.get("gracePeriodSeconds") ?? undefined;
  const options: DeleteOptions & WriteOptions = {
    ...writeOptions(target, response, "DeleteOptions"),
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...policyOf(body.propagationPolicy ?? query.get("propagationPolicy")),
    ...(isObject(body.preconditions)
      ? { preconditions: body.preconditions as NonNullable<DeleteOptions["preconditions"]> }
      : {}),
  };
  if (name !== undefined) {
    const { object, gone } = await registry.delete(kind, { namespace, name }, options);
    return sendJson(response, 200, gone ? deleted(kind, object) : object);
  }
  const fits = selectionOf(target);
  const all = registry.store.list(bucketOf(kind), namespace);
  const chosen = fits === undefined ? all : all.filter(fits);
  for (const { metadata } of chosen)
    await registry.delete(
      kind,
      { namespace: metadata.namespace, name: metadata.name ?? "" },
      { ...options, isCollection: true },
    );
  sendList(response, target, { items: chosen, metadata: { resourceVersion: String(registry.store.revision) } });
}

function policyOf(value: unknown): Pick<DeleteOptions, "propagationPolicy"> {
  if (value === undefined || value === null || value === "") return {};
  if (value === "Orphan" || value === "Background" || value === "Foreground") return { propagationPolicy: value };
  throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [
    unsupported("propagationPolicy", JSON.stringify(value), ["Foreground", "Background", "Orphan", "nil"]),
  ]);
}

const deleted = (kind: Kind, { metadata }: ApiObject): unknown => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { ...about(kind, metadata.name ?? ""), uid: metadata.uid },
});

async function act(
  { registry, pods, now }: VerbContext,
  target: ResourceRequest,
  response: ServerResponse,
): Promise<void> {
  if (target.request.method !== "POST") throw methodNotAllowed();
  const { namespace, name = "", subresource } = target;
  const body = asObject((await readJson(target.request)) as never);
  if (subresource === "eviction")
    await registry.delete(pods, { namespace, name }, asObject(body.deleteOptions) as DeleteOptions);
  else await bindPod(registry, pods, { namespace, name, node: String(asObject(body.target).name ?? ""), now: now() });
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

async function readObject({
  request,
  kind,
}: ResourceRequest): Promise<{ readonly body: ApiObject; readonly duplicates: readonly string[] }> {
  const { value, duplicates } = await readBody(request, kind.kind);
  if (value === undefined) throw unrecognized(kind.kind, "unexpected end of JSON input", "");
  if (value === null) return { body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: {} }, duplicates };
  if (!isObject(value)) {
    const found = Array.isArray(value) ? "array" : typeof value;
    throw unrecognized(
      kind.kind,
      `json: cannot unmarshal ${found} into Go value of type ${TYPE_META}`,
      JSON.stringify(value),
    );
  }
  if (value.kind !== undefined && value.kind !== null && typeof value.kind !== "string")
    throw unrecognized(
      kind.kind,
      `json: cannot unmarshal ${typeof value.kind} into Go struct field .kind of type string`,
      JSON.stringify(value),
    );
  if (isCustom(kind) && typeof value.kind !== "string")
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${JSON.stringify(value)}' (${JSON.stringify(value)})`,
    );
  const { metadata } = value;
  if (metadata !== undefined && metadata !== null && !isObject(metadata)) {
    const found = Array.isArray(metadata) ? "array" : typeof metadata;
    throw badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: json: cannot unmarshal ${found} into Go struct field ${kind.kind}.metadata of type v1.ObjectMeta`,
    );
  }
  if (!isObject(metadata)) value.metadata = {};
  return { body: value as ApiObject, duplicates };
}
