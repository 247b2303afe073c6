import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, at, cloneJson, ensureObject, type Json, type JsonObject } from "../machinery/json.ts";
import { isCustom } from "./custom-kinds.ts";
import { anything } from "./fields/shape.ts";
import type { Kind } from "./kinds.ts";
import { patchObject } from "./local-resources.ts";
import { type PatchVerbContext, patchTypeOf, readPatch } from "./patch-verb.ts";
import { type ResourceRequest, readJson, sendJson } from "./request.ts";
import { badRequest, invalid, notFound } from "./status.ts";
import { writeOptions } from "./write-options.ts";

const scaleKind = { group: "autoscaling", kind: "Scale" };

/** The scale of a workload: how many are wanted and how many are there. */
export async function scale(
  { registry, now }: PatchVerbContext,
  target: ResourceRequest,
  response: ServerResponse,
): Promise<void> {
  const { kind, namespace, name = "", request } = target;
  const found = registry.get(kind, namespace, name);
  if (found === undefined) throw notFound(kind, name);
  if (request.method === "GET") return sendJson(response, 200, scaleOf(kind, found));
  const isPut = request.method === "PUT";
  const { manager, ...plain } = writeOptions(target, response, isPut ? "UpdateOptions" : "PatchOptions");
  const options = isCustom(kind) && manager !== undefined ? { ...plain, manager, subresource: "scale" } : plain;
  const type = isPut ? undefined : patchTypeOf(target);
  const body = type === undefined ? await readJson(request) : await readPatch(target, type);
  const changed = await registry.update(
    kind,
    { namespace, name },
    (current) => {
      const asked =
        type === undefined
          ? (body as Json)
          : (patchObject(scaleOf(kind, current), { type, body }, { shape: anyStruct, now: now() }) as Json);
      const replicas = asObject(asObject(asked).spec).replicas ?? 0;
      if (typeof replicas !== "number") throw badRequest("spec.replicas must be a number");
      if (replicas < 0)
        throw invalid(scaleKind, name, [
          { field: "spec.replicas", message: `Invalid value: ${replicas}: must be greater than or equal to 0` },
        ]);
      return withReplicas(kind, current, replicas);
    },
    options,
  );
  sendJson(response, 200, scaleOf(kind, changed));
}

const anyStruct = { kind: "struct", name: "Scale", atomic: false, fields: new Map(), others: anything } as const;

/** Where the kinds of workloads have their numbers. */
const workload = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas", labelSelectorPath: "" };

function scaleOf(kind: Kind, object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const paths = isCustom(kind) && kind.scale !== undefined ? kind.scale : workload;
  const selector = isCustom(kind) ? at(object as Json, ...parts(paths.labelSelectorPath)) : selectorOf(object);
  const wanted = at(object as Json, ...parts(paths.specReplicasPath));
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ApiObject["metadata"],
    spec: typeof wanted === "number" && wanted > 0 ? { replicas: wanted } : {},
    status: {
      replicas: at(object as Json, ...parts(paths.statusReplicasPath)) ?? 0,
      ...(typeof selector === "string" && selector !== "" ? { selector } : {}),
    },
  };
}

const parts = (path: string): readonly string[] => path.split(".").slice(1);

const selectorOf = ({ spec }: ApiObject): string =>
  Object.entries(asObject(asObject(asObject(spec).selector).matchLabels))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");

/** The object with another number wanted. */
function withReplicas(kind: Kind, object: ApiObject, replicas: number): ApiObject {
  const path = parts(isCustom(kind) && kind.scale !== undefined ? kind.scale.specReplicasPath : ".spec.replicas");
  const changed = cloneJson(object);
  let parent = changed as JsonObject;
  for (const name of path.slice(0, -1)) parent = ensureObject(parent, name);
  parent[path.at(-1) ?? ""] = replicas;
  return changed;
}
