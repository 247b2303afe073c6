import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { asObject, type Json } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import type { Catalog } from "./catalog.ts";
import { duplicateFields } from "./duplicate-fields.ts";
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
  /** Asked for by a path of its own, `/api/v1/watch/…`, instead of in the query. */
  readonly isWatch: boolean;
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
): Pick<ResourceRequest, "kind" | "namespace" | "name" | "subresource" | "rest" | "isWatch"> | undefined {
  const parts = pathname.split("/").slice(1).map(decoded);
  const [root, ...afterRoot] = parts;
  if (root !== "api" && root !== "apis") return undefined;
  const group = root === "api" ? "" : (afterRoot.shift() ?? "");
  const version = afterRoot.shift() ?? "";
  // The old way to say watch, which kubectl and others still know.
  const isWatch = afterRoot[0] === "watch";
  if (isWatch) afterRoot.shift();
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
  // An escaped slash is no way to another path, and no name has one but those of roles.
  if (namespace?.includes("/") === true || name?.startsWith("../") === true) return undefined;
  const kind = catalog.find(group, version, resource);
  if (kind === undefined || (namespace !== undefined && !kind.namespaced)) return undefined;
  return { kind, namespace, name, subresource, rest: behind.join("/"), isWatch };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(part)}`);
  }
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

/** Members are only looked for where there can be two: a text that is as long as what it says has none. */
const withDuplicates = (value: unknown, text: string): { value: unknown; duplicates: readonly string[] } => ({
  value,
  duplicates: text.length === JSON.stringify(value).length ? [] : duplicateFields(text),
});

/** So much of a body that is too large is read and thrown away, so that its sender hears the answer. */
const MAX_DRAINED = 16 * MAX_BODY;

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_DRAINED) break;
    if (size > MAX_BODY) chunks.length = 0;
    else chunks.push(chunk);
  }
  if (size > MAX_BODY)
    throw new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BODY}`);
  return Buffer.concat(chunks);
}

export const readText = async (request: IncomingMessage): Promise<string> =>
  (await readBytes(request)).toString("utf8");

/** The body by its content type, as Kubernetes reads it; undefined if there is none. `kind` is what it should be, for messages. */
export async function readJson(request: IncomingMessage, kind = ""): Promise<unknown> {
  return (await readBody(request, kind)).value;
}

/** Like readJson, with the members that stand twice in one object. */
export async function readBody(
  request: IncomingMessage,
  kind: string,
): Promise<{ readonly value: unknown; readonly duplicates: readonly string[] }> {
  const bytes = await readBytes(request);
  const type = request.headers["content-type"] ?? "";
  if (bytes.length > 0 && type.includes("protobuf")) return { value: decodeProtobuf(bytes), duplicates: [] };
  if (bytes.length > 0 && type !== "" && !/json|yaml|^\*\/\*/.test(type)) throw unsupportedMediaType();
  const text = bytes.toString("utf8");
  if (text.trim() === "") return { value: undefined, duplicates: [] };
  try {
    if (!type.includes("yaml")) return withDuplicates(JSON.parse(text), text);
    const json = text.startsWith("{") ? tryJson(text) : undefined;
    if (json !== undefined) return withDuplicates(json, text);
    const { parse } = await import("yaml");
    return { value: parse(text) as unknown, duplicates: [] };
  } catch (error) {
    const why = text.startsWith("{") ? "unexpected end of JSON input" : ((error as Error).message.split("\n")[0] ?? "");
    throw unrecognized(kind, why, text);
  }
}

const SHOWN = 30;

/** A body that is no object of an API; it is shown as text if it begins like one, else as bytes. */
export function unrecognized(kind: string, why: string, text: string): StatusError {
  const isLike = text.startsWith("{");
  const whole = isLike ? text : Buffer.from(text).toString("hex");
  const shown = text === "" ? "<empty>" : whole.length > SHOWN ? `${whole.slice(0, SHOWN)} ...` : whole;
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${shown})`,
  );
}

/** JSON, for clients that take it compressed when it is long. */
export function sendJson(response: ServerResponse, code: number, body: Buffer | unknown): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  sendBytes(response, code, { type: "application/json", bytes });
}

/** From this length on compressing pays. Source: Kubernetes' API server. */
const COMPRESSED_FROM = 128 * 1024;

export function sendBytes(
  response: ServerResponse,
  code: number,
  { type, bytes }: { readonly type: string; readonly bytes: Buffer },
): void {
  const accepted = String(response.req.headers["accept-encoding"] ?? "");
  const isCompressed = bytes.length >= COMPRESSED_FROM && accepted.split(",").some((one) => one.trim() === "gzip");
  const sent = isCompressed ? gzipSync(bytes, { level: 1 }) : bytes;
  response.writeHead(code, {
    "content-type": type,
    "content-length": sent.length,
    "cache-control": "no-cache, private",
    ...(isCompressed ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
  });
  response.end(sent);
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
  if (response.headersSent) return void response.destroy();
  const { retryAfterSeconds } = asObject(status.details as Json);
  if (typeof retryAfterSeconds === "number") response.setHeader("retry-after", String(retryAfterSeconds));
  sendJson(response, status.code, statusBody(status));
}
