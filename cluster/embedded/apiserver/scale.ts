import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, type Json } from "../machinery/json.ts";
import { anything } from "./fields/shape.ts";
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
  if (request.method === "GET") return sendJson(response, 200, scaleOf(found));
  const isPut = request.method === "PUT";
  const { manager: _, ...options } = writeOptions(target, response, isPut ? "UpdateOptions" : "PatchOptions");
  const type = isPut ? undefined : patchTypeOf(target);
  const body = type === undefined ? await readJson(request) : await readPatch(target, type);
  const changed = await registry.update(
    kind,
    { namespace, name },
    (current) => {
      const asked =
        type === undefined
          ? (body as Json)
          : (patchObject(scaleOf(current), { type, body }, { shape: anyStruct, now: now() }) as Json);
      const replicas = asObject(asObject(asked).spec).replicas ?? 0;
      if (typeof replicas !== "number") throw badRequest("spec.replicas must be a number");
      if (replicas < 0)
        throw invalid(scaleKind, name, [
          { field: "spec.replicas", message: `Invalid value: ${replicas}: must be greater than or equal to 0` },
        ]);
      return { ...current, spec: { ...asObject(current.spec), replicas } };
    },
    options,
  );
  sendJson(response, 200, scaleOf(changed));
}

const anyStruct = { kind: "struct", name: "Scale", atomic: false, fields: new Map(), others: anything } as const;

function scaleOf({ metadata, spec, status }: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = asObject(asObject(asObject(spec).selector).matchLabels);
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");
  const { replicas } = asObject(spec);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ApiObject["metadata"],
    spec: typeof replicas === "number" && replicas > 0 ? { replicas } : {},
    status: { replicas: asObject(status).replicas ?? 0, ...(selector === "" ? {} : { selector }) },
  };
}
