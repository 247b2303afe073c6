import type { IncomingMessage, ServerResponse } from "node:http";
import { StatusError } from "../machinery/resources.ts";
import type { Catalog } from "./catalog.ts";
import type { Kind } from "./kinds.ts";
import { decodeProtobuf } from "./protobuf-body.ts";
import type { Identity } from "./rbac.ts";
import { badRequest, statusBody } from "./status.ts";

/** A request about a kind, taken apart. */
export interface ResourceRequest {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
  /** Path behind the subresource, for proxies. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly identity: Identity;
  readonly request: IncomingMessage;
}

/** `/api/v1/namespaces/NS/pods/NAME/log` and the like; undefined if no such kind is served. */
export function parsePath(
  pathname: string,
  catalog: Catalog,
): Pick<ResourceRequest, "kind" | "namespace" | "name" | "subresource" | "rest"> | undefined {
  const parts = pathname.split("/").slice(1).map(decodeURIComponent);
  const [root, ...afterRoot] = parts;
  if (root !== "api" && root !== "apis") return undefined;
  const group = root === "api" ? "" : (afterRoot.shift() ?? "");
  const version = afterRoot.shift() ?? "";
  let namespace: string | undefined;
  let rest = afterRoot.filter((part, index) => part !== "" || index > 4);
  const isScoped =
    rest[0] === "namespaces" &&
    rest.length > 2 &&
    !(group === "" && (rest[2] === "status" || rest[2] === "finalize") && rest.length === 3);
  if (isScoped) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [resource = "", name, subresource = "", ...behind] = rest;
  const kind = catalog.find(group, version, resource);
  if (kind === undefined || (namespace !== undefined && !kind.namespaced)) return undefined;
  return { kind, namespace, name, subresource, rest: behind.join("/") };
}

const MAX_BODY = 3 * 1024 * 1024;

/** Programs send JSON as YAML, which it is; reading it as JSON is much quicker. Undefined if it is none. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BODY}`);
    chunks.push(chunk);
  }
  const type = request.headers["content-type"] ?? "";
  if (size > 0 && type.includes("protobuf")) return decodeProtobuf(Buffer.concat(chunks));
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") return undefined;
  try {
    if (!type.includes("yaml")) return JSON.parse(text) as unknown;
    const json = text.startsWith("{") ? tryJson(text) : undefined;
    if (json !== undefined) return json;
    const { parse } = await import("yaml");
    return parse(text) as unknown;
  } catch (error) {
    throw badRequest(`the body is not valid: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
  }
}

export function sendJson(response: ServerResponse, code: number, body: Buffer | unknown): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(code, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "cache-control": "no-cache, private",
  });
  response.end(bytes);
}

export function sendError(response: ServerResponse, error: unknown): void {
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(
          500,
          "InternalError",
          `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
        );
  if (response.headersSent) response.destroy();
  else sendJson(response, status.code, statusBody(status));
}
