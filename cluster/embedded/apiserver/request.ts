import type { IncomingMessage, ServerResponse } from "node:http";
import { StatusError } from "../machinery/resources.ts";
import type { Catalog } from "./catalog.ts";
import type { Kind } from "./kinds.ts";
import { decodeProtobuf } from "./protobuf-body.ts";
import type { Identity } from "./rbac.ts";
import { badRequest, PageNotFound, statusBody, unsupportedMediaType } from "./status.ts";

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

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BODY}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const readText = async (request: IncomingMessage): Promise<string> =>
  (await readBytes(request)).toString("utf8");

/** The body by its content type, as Kubernetes reads it; undefined if there is none. `kind` is what it should be, for messages. */
export async function readJson(request: IncomingMessage, kind = ""): Promise<unknown> {
  const bytes = await readBytes(request);
  const type = request.headers["content-type"] ?? "";
  if (bytes.length > 0 && type.includes("protobuf")) return decodeProtobuf(bytes);
  if (bytes.length > 0 && type !== "" && !/json|yaml|^\*\/\*/.test(type)) throw unsupportedMediaType();
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  try {
    if (!type.includes("yaml")) return JSON.parse(text) as unknown;
    const json = text.startsWith("{") ? tryJson(text) : undefined;
    if (json !== undefined) return json;
    const { parse } = await import("yaml");
    return parse(text) as unknown;
  } catch (error) {
    const why = text.startsWith("{") ? "unexpected end of JSON input" : ((error as Error).message.split("\n")[0] ?? "");
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${text.slice(0, 100)})`,
    );
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
  if (error instanceof PageNotFound && !response.headersSent) {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" });
    response.end("404 page not found\n");
    return;
  }
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
