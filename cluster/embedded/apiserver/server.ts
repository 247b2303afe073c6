import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../machinery/clock.ts";
import { asArray, asObject, asString } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import type { Catalog } from "./catalog.ts";
import type { ClusterCertificates } from "./certificates.ts";
import { isCustom } from "./custom-kinds.ts";
import { discover } from "./discovery.ts";
import { impersonated } from "./impersonation.ts";
import type { Kind } from "./kinds.ts";
import { openApi } from "./openapi.ts";
import type { PodStreams } from "./pod-streams.ts";
import { type Identity, isAllowed, mayDiscover } from "./rbac.ts";
import type { Registry } from "./registry.ts";
import { parsePath, type ResourceRequest, readJson, sendError, sendJson } from "./request.ts";
import { answerReview } from "./reviews.ts";
import {
  about,
  badRequest,
  forbidden,
  invalid,
  notFound,
  PageNotFound,
  PlainRefusal,
  statusBody,
  unknownPath,
} from "./status.ts";
import { API_AUDIENCE, type ServiceAccountTokens } from "./tokens.ts";
import { answerVerb, verbOf } from "./verbs.ts";

export interface ServerContext {
  readonly registry: Registry;
  readonly catalog: Catalog;
  readonly tokens: ServiceAccountTokens;
  readonly streams: PodStreams;
  readonly certificates: ClusterCertificates;
  readonly logger: Logger;
  readonly now: () => string;
  readonly version: string;
  readonly address: string;
}

const anonymous: Identity = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const forEverybody = new Set(["/healthz", "/livez", "/readyz", "/version"]);

/** The HTTPS side: who asks, whether they may, and what they asked for. It listens to nothing by itself. */
export function createApiServer(context: ServerContext): Server {
  const { certificates } = context;
  const server = createServer(
    {
      ...certificates.server,
      ca: certificates.ca,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    },
    (request, response) => {
      answer(context, request, response).catch((error: unknown) => {
        if (!(error instanceof StatusError))
          context.logger.warn(
            { url: request.url ?? "", error: error instanceof Error ? (error.stack ?? "") : String(error) },
            "a request failed",
          );
        sendError(response, error);
      });
    },
  );
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(context, request, { socket, head }).catch((error: unknown) => refuseUpgrade(socket, error));
  });
  server.on("tlsClientError", () => {}); // clients that do not trust us, and port scanners
  return server;
}

async function answer(context: ServerContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "https://localhost");
  const path = url.pathname;
  const identity = await authenticate(context, request);
  if (path === "/version") return sendJson(response, 200, versionInfo(context.version));
  if (forEverybody.has(path)) {
    response.writeHead(200, { "content-type": "text/plain" }).end("ok");
    return;
  }
  if (identity === anonymous) throw new StatusError(401, "Unauthorized", "Unauthorized");
  if (path.startsWith("/openapi/")) return sendFound(response, openApi(path, context.catalog.kinds));
  const found = request.method === "GET" ? discover(path, context.catalog.kinds, context.address) : undefined;
  if (found !== undefined && mayDiscover(path)) return sendJson(response, 200, found);
  if (request.method === "POST" && (await answerQuestion(context, { path, identity, request, response }))) return;
  const target = resourceRequest(context, url, { identity, request });
  authorize(context, target);
  if (["exec", "attach", "portforward"].includes(target.subresource)) throw badRequest("Upgrade request required");
  if (target.subresource === "log") return context.streams.log(target, response);
  if (target.subresource === "proxy") return context.streams.proxy(target, response);
  if (target.subresource === "token") return mintToken(context, target, response);
  return answerVerb(
    { registry: context.registry, pods: context.catalog.find("", "v1", "pods")!, now: context.now },
    target,
    response,
  );
}

async function upgrade(
  context: ServerContext,
  request: IncomingMessage,
  connection: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const identity = await authenticate(context, request);
  const target = resourceRequest(context, new URL(request.url ?? "/", "https://localhost"), { identity, request });
  authorize(context, target, "create");
  await context.streams.upgrade(target, connection.socket, connection.head);
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (error instanceof PlainRefusal) {
    const text = error.message;
    socket.end(
      `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code]}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    );
    return;
  }
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(500, "InternalError", error instanceof Error ? error.message : String(error));
  const body = JSON.stringify(statusBody(status));
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function resourceRequest(
  { catalog }: ServerContext,
  url: URL,
  { identity, request }: { readonly identity: Identity; readonly request: IncomingMessage },
): ResourceRequest {
  const parsed = parsePath(url.pathname, catalog);
  if (parsed === undefined) throw isServed(url.pathname, catalog) ? unknownPath() : new PageNotFound();
  return { ...parsed, query: url.searchParams, identity, request };
}

/** Whether kinds of the path's group are served; of custom kinds the version counts too. */
function isServed(path: string, catalog: Catalog): boolean {
  const [, root, group = "", version = ""] = path.split("/");
  const serves = (kind: Kind): boolean => kind.group === group && (!isCustom(kind) || kind.version === version);
  return root === "api" || (root === "apis" && catalog.kinds.some(serves));
}

/** By client certificate (CN is the name, O the groups) or service-account token. */
async function authenticate(context: ServerContext, request: IncomingMessage): Promise<Identity> {
  const identity = await credentialOf(context, request);
  return identity === anonymous ? identity : impersonated(context.registry.store, identity, request.headers);
}

async function credentialOf({ tokens }: ServerContext, request: IncomingMessage): Promise<Identity> {
  const socket = request.socket as TLSSocket;
  if (socket.authorized) {
    const { subject } = socket.getPeerCertificate();
    if (subject !== undefined)
      return { name: [subject.CN].flat()[0] ?? "", groups: [...[subject.O ?? []].flat(), "system:authenticated"] };
  }
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) return anonymous;
  try {
    return await tokens.verify(token, [API_AUDIENCE]);
  } catch {
    throw new StatusError(401, "Unauthorized", "Unauthorized");
  }
}

function authorize(
  { registry }: ServerContext,
  target: ResourceRequest,
  verb: string = target.subresource === "proxy" ? "get" : verbOf(target),
): void {
  const { kind, namespace = "", subresource, identity } = target;
  const name = target.name ?? selectedName(target.query.get("fieldSelector"));
  if (
    isAllowed(registry.store, identity, {
      verb,
      group: kind.group,
      resource: kind.resource,
      subresource,
      namespace,
      name,
    })
  )
    return;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const full = subresource === "" ? kind.resource : `${kind.resource}/${subresource}`;
  throw refusal(
    kind,
    name,
    `${kind.resource}${kind.group === "" ? "" : `.${kind.group}`}${name === "" ? "" : ` "${name}"`} is forbidden: User "${identity.name}" cannot ${verb} resource "${full}" in API group "${kind.group}" ${where}`,
  );
}

/** Who selects one object by its name asks for that one. */
const selectedName = (selector: string | null): string => /^metadata\.name==?([^,]+)$/.exec(selector ?? "")?.[1] ?? "";

const refusal = (kind: Kind, name: string, why: string): StatusError =>
  new StatusError(403, "Forbidden", why, about(kind, name));

async function answerQuestion(
  context: ServerContext,
  {
    path,
    identity,
    request,
    response,
  }: {
    readonly path: string;
    readonly identity: Identity;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
  },
): Promise<boolean> {
  const match = /^\/apis\/(authentication|authorization)\.k8s\.io\/v1\/(\w+)$/.exec(path);
  if (match === null) return false;
  const [, group = "", resource = ""] = match;
  if (
    !isAllowed(context.registry.store, identity, {
      verb: "create",
      group: `${group}.k8s.io`,
      resource,
      subresource: "",
      namespace: "",
      name: "",
    })
  ) {
    throw forbidden(
      `${resource}.${group}.k8s.io is forbidden: User "${identity.name}" cannot create resource "${resource}" in API group "${group}.k8s.io" at the cluster scope`,
    );
  }
  return answerReview(
    resource,
    await readJson(request),
    { store: context.registry.store, tokens: context.tokens, identity, response },
    response,
  );
}

const SHORTEST_TOKEN_SECONDS = 600;

async function mintToken(
  { registry, tokens }: ServerContext,
  { kind, namespace = "", name = "", request, identity }: ResourceRequest,
  response: ServerResponse,
): Promise<void> {
  if (registry.get(kind, namespace, name) === undefined) throw notFound(kind, name);
  const account = registry.get(kind, namespace, name);
  const spec = asObject(asObject((await readJson(request)) as never).spec);
  await registry.admitAction(kind, {
    operation: "CREATE",
    subresource: "token",
    object: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { name, namespace, ...(account?.metadata.uid && { uid: account.metadata.uid }) },
      spec,
    },
    user: identity,
  });
  const expirationSeconds = Number(spec.expirationSeconds ?? 3600);
  if (expirationSeconds < SHORTEST_TOKEN_SECONDS)
    throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, "", [
      {
        field: "spec.expirationSeconds",
        message: `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`,
      },
    ]);
  const bound = asObject(spec.boundObjectRef);
  const { token, expiresAt } = await tokens.mint({
    namespace,
    serviceAccount: name,
    audiences: asArray(spec.audiences).map(asString),
    expirationSeconds,
    ...(bound.kind === "Pod" && { pod: { namespace, name: asString(bound.name), uid: asString(bound.uid) } }),
  } as Parameters<ServiceAccountTokens["mint"]>[0]);
  sendJson(response, 201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace },
    spec,
    status: { token, expirationTimestamp: new Date(expiresAt).toISOString() },
  });
}

function sendFound(response: ServerResponse, body: unknown): void {
  if (body === undefined) throw unknownPath();
  sendJson(response, 200, body);
}

function versionInfo(version: string): unknown {
  const [, major = "1", minor = "36"] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  return {
    major,
    minor,
    gitVersion: version,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}
