import type { IncomingMessage, ServerResponse } from "node:http";
import { stringify } from "yaml";
import type { ApiObject } from "../machinery/api-object.ts";
import type { Json } from "../machinery/json.ts";
import { isCustom } from "./custom-kinds.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { type ResourceRequest, sendBytes, sendJson } from "./request.ts";
import { notAcceptable } from "./status.ts";
import { metadataOnly, type TableOptions, tableOf } from "./tables/table.ts";

/** How objects are shown: whole, as a table, or their metadata alone; as JSON or YAML. */
export interface Representation {
  readonly form: "whole" | "table" | "metadata";
  readonly yaml: boolean;
  readonly include: TableOptions["include"];
}

/** What a request accepts, the first of what can be given. Fails with NotAcceptable. */
export function representationOf(request: IncomingMessage, query: URLSearchParams): Representation {
  const asked = query.get("includeObject");
  const include = asked === "None" || asked === "Object" ? asked : "Metadata";
  for (const part of (request.headers.accept ?? "*/*").split(",")) {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim());
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    const yaml = /^application\/(x-)?yaml$/.test(type);
    if (!yaml && !["application/json", "*/*", "application/*"].includes(type)) continue;
    if (as === undefined) return { form: "whole", yaml, include };
    if (as === "Table") return { form: "table", yaml, include };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
      return { form: "metadata", yaml, include };
  }
  throw notAcceptable();
}

/** An object as it was asked for. `encoded` is its JSON, where it is at hand. */
export function sendObject(
  response: ServerResponse,
  target: Pick<ResourceRequest, "kind" | "request" | "query">,
  answer: { readonly code: number; readonly object: ApiObject; readonly encoded?: Buffer },
): void {
  const shown = representationOf(target.request, target.query);
  const { code, object, encoded } = answer;
  if (shown.form === "whole" && !shown.yaml) return sendJson(response, code, encoded ?? object);
  send(response, code, { body: showObject(target.kind, object, shown), yaml: shown.yaml });
}

/** One object in a form; a table of it has its revision. */
export function showObject(kind: Kind, object: ApiObject, { form, include }: Representation): unknown {
  switch (form) {
    case "whole":
      return object;
    case "metadata":
      return metadataOnly(object);
    case "table":
      return tableOf(kind, [object], {
        metadata: { resourceVersion: object.metadata.resourceVersion ?? "" },
        include,
      });
  }
}

/** A list as it was asked for. */
export function sendList(
  response: ServerResponse,
  target: Pick<ResourceRequest, "kind" | "request" | "query">,
  list: { readonly items: readonly ApiObject[]; readonly metadata: object },
): void {
  const { kind } = target;
  const shown = representationOf(target.request, target.query);
  send(response, 200, { body: showList(kind, list, shown), yaml: shown.yaml });
}

function showList(
  kind: Kind,
  { items, metadata }: { readonly items: readonly ApiObject[]; readonly metadata: object },
  { form, include }: Representation,
): unknown {
  switch (form) {
    case "table":
      return tableOf(kind, items, { metadata, include });
    case "metadata":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: "meta.k8s.io/v1",
        metadata,
        items: items.map(metadataOnly),
      };
    case "whole": {
      const head = { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata };
      // What items of a typed list are is said once.
      return { ...head, items: isCustom(kind) ? items : items.map(({ apiVersion: _, kind: __, ...item }) => item) };
    }
  }
}

function send(
  response: ServerResponse,
  code: number,
  { body, yaml }: { readonly body: unknown; readonly yaml: boolean },
): void {
  if (!yaml) return sendJson(response, code, body);
  // Kubernetes writes YAML with sorted names.
  const text = stringify(body as Json, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
  sendBytes(response, code, { type: "application/yaml", bytes: Buffer.from(text) });
}
