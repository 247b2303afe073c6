import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, isObject } from "../machinery/json.ts";
import type { DeleteOptions, PatchRequest } from "../machinery/resources.ts";
import { StatusError } from "../machinery/resources.ts";
import { apiVersionOf, bucketOf, type Kind } from "./kinds.ts";
import { bindPod, patchObject } from "./local-resources.ts";
import { present, type Registry, type WriteOptions } from "./registry.ts";
import { type ResourceRequest, readJson, sendJson } from "./request.ts";
import { both, fieldPredicate, labelPredicate } from "./selectors.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { badRequest, methodNotAllowed, notFound, unknownPath } from "./status.ts";
import { tableOf, wantsTable } from "./table.ts";
import { streamChanges } from "./watch-stream.ts";

export interface VerbContext {
  readonly registry: Registry;
  readonly pods: Kind;
  readonly now: () => string;
}

const patchTypes: Readonly<Record<string, PatchRequest["type"]>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
  "application/apply-patch+cbor": "apply",
};

/** The verb that RBAC knows a request by. */
export function verbOf({ request, name, query }: Pick<ResourceRequest, "request" | "name" | "query">): string {
  switch (request.method) {
    case "GET":
    case "HEAD":
      if (query.get("watch") === "true" || query.get("watch") === "1") return "watch";
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
  if (subresource === "scale") return scale(context, target, response);
  if (subresource === "binding" || subresource === "eviction") return act(context, target, response);
  if (subresource !== "" && !["status", "finalize", "approval", "ephemeralcontainers"].includes(subresource))
    throw unknownPath();
  if (subresource !== "" && !kind.subresources.includes(subresource as Kind["subresources"][number]))
    throw unknownPath();
  switch (verbOf(target)) {
    case "watch":
      return streamChanges(context.registry, target, { fits: selection(target), response });
    case "list":
      return list(context, target, response);
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

const selection = ({ query, name }: ResourceRequest): ReturnType<typeof both> =>
  both(
    both(
      labelPredicate(query.get("labelSelector") ?? undefined),
      fieldPredicate(query.get("fieldSelector") ?? undefined),
    ),
    name === undefined ? undefined : fieldPredicate(`metadata.name=${name}`),
  );

function list({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): void {
  const { kind, namespace, query } = target;
  const fits = selection(target);
  const all = registry.store.list(bucketOf(kind), namespace);
  const chosen = fits === undefined ? all : all.filter(fits);
  const start = Number(query.get("continue") ?? 0) || 0;
  const limit = Number(query.get("limit") ?? 0) || chosen.length;
  const page = chosen.slice(start, start + limit).map((object) => present(kind, object));
  const left = chosen.length - start - page.length;
  const metadata = {
    resourceVersion: String(registry.store.revision),
    ...(left > 0 && { continue: String(start + limit), remainingItemCount: left }),
  };
  if (wantsTable(target.request)) return sendJson(response, 200, tableOf(kind, page, metadata));
  sendJson(response, 200, { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items: page });
}

function get(
  { registry }: VerbContext,
  { kind, namespace, name = "", request }: ResourceRequest,
  response: ServerResponse,
): void {
  const object = registry.get(kind, namespace, name);
  if (object === undefined) throw notFound(kind, name);
  if (wantsTable(request))
    return sendJson(response, 200, tableOf(kind, [object], { resourceVersion: object.metadata.resourceVersion ?? "" }));
  sendJson(response, 200, registry.store.encode(object));
}

async function create({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const body = await readObject(target);
  if (
    target.namespace !== undefined &&
    body.metadata.namespace !== undefined &&
    body.metadata.namespace !== target.namespace
  ) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (target.kind.namespaced) body.metadata.namespace = target.namespace ?? "default";
  sendJson(response, 201, await registry.create(target.kind, body, writeOptions(target, response)));
}

async function update({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const body = await readObject(target);
  const { kind, namespace, name = "" } = target;
  sendJson(response, 200, await registry.update(kind, { namespace, name }, () => body, writeOptions(target, response)));
}

async function patch({ registry, now }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { kind, namespace, name = "", query, request, subresource } = target;
  const contentType = (request.headers["content-type"] ?? "").split(";")[0] ?? "";
  const type = patchTypes[contentType];
  if (type === undefined)
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${Object.keys(patchTypes).join(", ")}`,
    );
  if (type === "strategic" && "schema" in kind)
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      "strategic merge patches are not supported for custom resources",
    );
  const body = await readJson(request);
  const options = writeOptions(target, response);
  const apply: PatchRequest = {
    type,
    body,
    fieldManager: query.get("fieldManager") ?? "unknown",
    force: query.get("force") === "true",
    ...(subresource === "status" && { subresource: "status" as const }),
  };
  if (type === "apply") {
    if (query.get("fieldManager") === null)
      throw badRequest(
        "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch",
      );
    if (!isObject(body)) throw badRequest("the body is no object");
    if (registry.get(kind, namespace, name) === undefined && subresource === "") {
      const created = serverSideApply(undefined, body as ApiObject, {
        manager: apply.fieldManager ?? "",
        force: true,
        time: now(),
      });
      const { managedFields } = created.metadata;
      const object = {
        ...created,
        metadata: {
          ...created.metadata,
          name,
          ...(kind.namespaced && { namespace: namespace ?? "default" }),
          ...(managedFields && { managedFields }),
        },
      };
      sendJson(response, 201, await registry.create(kind, object, options));
      return;
    }
  }
  sendJson(
    response,
    200,
    await registry.update(kind, { namespace, name }, (current) => patchObject(current, apply, now()), options),
  );
}

async function remove({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { kind, namespace, name, query, request } = target;
  const body = asObject((await readJson(request)) as never);
  const grace = body.gracePeriodSeconds ?? query.get("gracePeriodSeconds") ?? undefined;
  const options: DeleteOptions & WriteOptions = {
    ...writeOptions(target, response),
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
  const fits = selection(target);
  const all = registry.store.list(bucketOf(kind), namespace);
  const chosen = fits === undefined ? all : all.filter(fits);
  for (const object of chosen)
    await registry.delete(kind, { namespace: object.metadata.namespace, name: object.metadata.name ?? "" }, options);
  sendJson(response, 200, {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: String(registry.store.revision) },
    items: chosen,
  });
}

function policyOf(value: unknown): Pick<DeleteOptions, "propagationPolicy"> {
  return value === "Orphan" || value === "Background" || value === "Foreground" ? { propagationPolicy: value } : {};
}

const deleted = (kind: Kind, { metadata }: ApiObject): unknown => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { name: metadata.name, group: kind.group, kind: kind.resource, uid: metadata.uid },
});

async function scale({ registry }: VerbContext, target: ResourceRequest, response: ServerResponse): Promise<void> {
  const { kind, namespace, name = "", request } = target;
  if (request.method !== "GET") {
    const body = await readJson(request);
    await registry.update(kind, { namespace, name }, (current) => {
      const contentType = (request.headers["content-type"] ?? "").split(";")[0] ?? "";
      const asked =
        request.method === "PUT"
          ? body
          : patchObject(scaleOf(current) as ApiObject, { type: patchTypes[contentType] ?? "merge", body }, "");
      const replicas = asObject(asObject(asked as never).spec).replicas;
      if (typeof replicas !== "number") throw badRequest("spec.replicas must be a number");
      return { ...current, spec: { ...asObject(current.spec), replicas } };
    });
  }
  const object = registry.get(kind, namespace, name);
  if (object === undefined) throw notFound(kind, name);
  sendJson(response, 200, scaleOf(object));
}

function scaleOf({ metadata, spec, status }: ApiObject): unknown {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = asObject(asObject(asObject(spec).selector).matchLabels);
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: asObject(spec).replicas ?? 0 },
    status: { replicas: asObject(status).replicas ?? 0, selector },
  };
}

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

async function readObject({ request }: ResourceRequest): Promise<ApiObject> {
  const body = await readJson(request);
  if (!isObject(body)) throw badRequest("the body is no object");
  if (!isObject(body.metadata)) body.metadata = {};
  return body as ApiObject;
}

function writeOptions({ query, identity, subresource }: ResourceRequest, response: ServerResponse): WriteOptions {
  const validation = query.get("fieldValidation");
  const warnings: string[] = [];
  return {
    dryRun: query.getAll("dryRun").includes("All"),
    ...((subresource === "status" || subresource === "ephemeralcontainers") && { subresource }),
    fieldValidation: validation === "Strict" || validation === "Ignore" ? validation : "Warn",
    user: identity,
    onWarning: (text) => {
      warnings.push(`299 - ${JSON.stringify(text)}`);
      response.setHeader("warning", warnings);
    },
  };
}
