import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, cloneJson, isObject } from "../machinery/json.ts";
import { type PatchRequest, StatusError } from "../machinery/resources.ts";
import { isCustom } from "./custom-kinds.ts";
import { serverSideApply } from "./fields/apply.ts";
import { pruneUnknown } from "./fields/field-check.ts";
import type { StructShape } from "./fields/shape.ts";
import type { Kind } from "./kinds.ts";
import { patchObject } from "./local-resources.ts";
import type { Registry, WriteOptions } from "./registry.ts";
import { sendObject } from "./representation.ts";
import { type ResourceRequest, readText } from "./request.ts";
import { badRequest, conflict, invalid } from "./status.ts";
import { managerOf, writeOptions } from "./write-options.ts";

export interface PatchVerbContext {
  readonly registry: Registry;
  readonly now: () => string;
}

const patchTypes: Readonly<Record<string, PatchRequest["type"]>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** The kind of patch that a request says it brings. */
export function patchTypeOf({ request, kind }: Pick<ResourceRequest, "request" | "kind">): PatchRequest["type"] {
  const type = patchTypes[(request.headers["content-type"] ?? "").split(";")[0] ?? ""];
  if (type === undefined || (type === "strategic" && "schema" in kind)) {
    const accepted = Object.entries(patchTypes).filter(([, one]) => one !== "strategic");
    throw "schema" in kind
      ? new StatusError(
          415,
          "UnsupportedMediaType",
          `the body of the request was in an unknown format - accepted media types include: ${accepted.map(([name]) => name).join(", ")}`,
        )
      : new StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  }
  return type;
}

const MAX_OPERATIONS = 10_000;

/** The body of a patch; what is no JSON is refused in the words of Kubernetes. */
export async function readPatch(target: ResourceRequest, type: PatchRequest["type"]): Promise<unknown> {
  const text = await readText(target.request);
  if (type === "apply") {
    const { parse } = await import("yaml");
    try {
      return text.startsWith("{") ? JSON.parse(text) : parse(text);
    } catch (error) {
      throw badRequest(`error decoding YAML: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : ""}`);
    }
  }
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch {
    throw badRequest("error decoding patch: unexpected end of JSON input");
  }
  if (type === "json" && Array.isArray(patch) && patch.length > MAX_OPERATIONS)
    throw new StatusError(
      413,
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  if (type !== "json" && !isObject(patch))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(patch) ? "array" : typeof patch} into Go value of type map[string]interface {}`,
    );
  return patch;
}

/** PATCH of an object, by any of the four kinds of patch. */
export async function patch(
  context: PatchVerbContext,
  target: ResourceRequest,
  response: ServerResponse,
): Promise<void> {
  const { kind, namespace, name = "", query, subresource } = target;
  const type = patchTypeOf(target);
  const options = writeOptions(target, response, "PatchOptions");
  const body = await readPatch(target, type);
  const request: PatchRequest = {
    type,
    body,
    fieldManager: managerOf(target),
    force: query.get("force") === "true",
    ...(subresource === "status" && { subresource: "status" as const }),
  };
  if (type === "apply") return apply(context, target, { request, options, response });
  const { registry, now } = context;
  const shape = registry.shapes.of(kind);
  const changed = await registry.update(
    kind,
    { namespace, name },
    (current) => {
      const patched = patchObject(current, request, { shape, now: now() });
      refuseUndecodable(kind, shape, patched);
      return patched;
    },
    options,
  );
  sendObject(response, target, { code: 200, object: changed });
}

/** What a patch made of an object must still be one of its kind. */
function refuseUndecodable(kind: Kind, shape: StructShape, patched: ApiObject): void {
  if (isCustom(kind)) return;
  try {
    pruneUnknown(kind, shape, cloneJson(patched));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const why = error.message.slice(error.message.indexOf("json: "));
    const value = JSON.stringify(JSON.stringify(patched));
    throw invalid({ group: "", kind: "" }, "", [{ field: "patch", message: `Invalid value: ${value}: ${why}` }]);
  }
}

interface Apply {
  readonly request: PatchRequest;
  readonly options: WriteOptions;
  readonly response: ServerResponse;
}

async function apply(
  { registry, now }: PatchVerbContext,
  target: ResourceRequest,
  { request, options: { manager, ...options }, response }: Apply,
): Promise<void> {
  const { kind, namespace, name = "", query, subresource } = target;
  if ((query.get("fieldManager") ?? "") === "")
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      { field: "fieldManager", message: "Required value: is required for apply patch", reason: "FieldValueRequired" },
    ]);
  const applied = appliedObject(request.body, name);
  const shape = registry.shapes.of(kind);
  if (registry.get(kind, namespace, name) === undefined && subresource === "") {
    if ((applied.metadata.resourceVersion ?? "") !== "" || (applied.metadata.uid ?? "") !== "")
      throw conflict(kind, name);
    const created = serverSideApply(undefined, applied, { manager: manager ?? "", force: true, time: now(), shape });
    const metadata = { ...created.metadata, name, ...(kind.namespaced && { namespace: namespace ?? "default" }) };
    return sendObject(response, target, {
      code: 201,
      object: await registry.create(kind, { ...created, metadata }, options),
    });
  }
  const changed = await registry.update(
    kind,
    { namespace, name },
    (current) => patchObject(current, { ...request, body: applied }, { shape, now: now() }),
    options,
  );
  sendObject(response, target, { code: 200, object: changed });
}

function appliedObject(body: unknown, name: string): ApiObject {
  if (!isObject(body) || typeof body.kind !== "string" || typeof body.apiVersion !== "string") {
    const [group, version] = isObject(body) ? String(body.apiVersion ?? "/").split("/") : ["", ""];
    throw badRequest(
      `invalid object type: ${group ?? ""}/${version ?? ""}, Kind=${isObject(body) ? String(body.kind ?? "") : ""}`,
    );
  }
  if (!isObject(body.metadata)) body.metadata = {};
  const object = body as ApiObject;
  if (asArray(body.metadata.managedFields).length > 0) throw badRequest("metadata.managedFields must be nil");
  const asked = object.metadata.name;
  if (asked !== undefined && asked !== name)
    throw badRequest(`the name of the object (${asked}) does not match the name on the URL (${name})`);
  return object;
}
