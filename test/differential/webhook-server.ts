import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCertificates } from "#cluster/embedded/apiserver/certificates.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";

/** A webhook that answers as the path asks, well or badly; on loopback, with a certificate of its own. */
export interface WebhookServer {
  /** Values that cases use: `$hook` is its address, `$bundle` its authority, `$other` the authority of another one. */
  readonly variables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startWebhookServer(): Promise<WebhookServer> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-webhook-"));
  const names = { dns: ["localhost"], ip: ["127.0.0.1"] };
  const [own, other] = [
    await openCertificates(join(folder, "own"), names),
    await openCertificates(join(folder, "other"), names),
  ];
  const connections = new Set<Socket>();
  const server = createServer({ ...own.server }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "https://localhost");
      const answer = answerOf(url.pathname, JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject);
      if (answer === undefined) return;
      response.writeHead(answer.code, { "content-type": answer.type ?? "application/json" });
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const { port } = server.address() as AddressInfo;
  return {
    variables: { hook: `127.0.0.1:${port}`, bundle: base64(own.ca), other: base64(other.ca) },
    stop: async () => {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface WebhookAnswer {
  readonly code: number;
  readonly body: unknown;
  readonly type?: string;
}

/** Undefined when it never answers. */
function answerOf(path: string, review: JsonObject): WebhookAnswer | undefined {
  const request = isObject(review.request) ? review.request : {};
  const { uid } = request;
  const reviewed = (response: object): WebhookAnswer => ({
    code: 200,
    body: { apiVersion: review.apiVersion, kind: review.kind, response: { uid, ...response } },
  });
  const patched = (patch: unknown): WebhookAnswer =>
    reviewed({
      allowed: true,
      patchType: "JSONPatch",
      patch: Buffer.from(typeof patch === "string" ? patch : JSON.stringify(patch)).toString("base64"),
    });
  const add = (name: string, value: string): unknown => [{ op: "add", path: `/data/${name}`, value }];
  const data = (member: "object" | "oldObject"): JsonObject => {
    const object = request[member];
    return isObject(object) && isObject(object.data) ? object.data : {};
  };
  switch (path) {
    case "/allow":
      return reviewed({ allowed: true });
    case "/deny":
      return reviewed({ allowed: false });
    case "/deny-message":
      return reviewed({ allowed: false, status: { message: "not today" } });
    case "/deny-reason":
      return reviewed({ allowed: false, status: { reason: "Conflict" } });
    case "/deny-all":
      return reviewed({
        allowed: false,
        status: { code: 418, reason: "Teapot", message: "short and stout", details: { name: "x", kind: "y" } },
      });
    case "/deny-ok":
      return reviewed({ allowed: false, status: { code: 200, status: "Success", message: "fine" } });
    case "/warn":
      return reviewed({ allowed: true, warnings: ["mind the gap", 'a "quoted" word', ""] });
    case "/deny-warn":
      return reviewed({ allowed: false, warnings: ["told you"] });
    case "/hang":
      return undefined;
    case "/500":
      return { code: 500, body: "broken", type: "text/plain" };
    case "/404":
      return { code: 404, body: "nothing here", type: "text/plain" };
    case "/status":
      return {
        code: 503,
        body: {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          message: "come back later",
          reason: "ServiceUnavailable",
          code: 503,
        },
      };
    case "/text":
      return { code: 200, body: "hello", type: "text/plain" };
    case "/no-json":
      return { code: 200, body: "{" };
    case "/empty":
      return { code: 200, body: "" };
    case "/no-review":
      return { code: 200, body: { kind: "Other", apiVersion: "v1" } };
    case "/no-response":
      return { code: 200, body: { apiVersion: review.apiVersion, kind: review.kind } };
    case "/other-uid":
      return reviewed({ allowed: true, uid: "someone-else" });
    case "/no-uid":
      return { code: 200, body: { apiVersion: review.apiVersion, kind: review.kind, response: { allowed: true } } };
    case "/other-version":
      return {
        code: 200,
        body: { apiVersion: "admission.k8s.io/v1beta1", kind: review.kind, response: { uid, allowed: true } },
      };
    case "/patch":
      return patched(add("patched", "yes"));
    case "/patch-twice":
      return patched([...(add("patched", "yes") as Json[]), { op: "replace", path: "/data/a", value: "2" }]);
    case "/patch-none":
      return patched([]);
    case "/patch-undecodable":
      return patched("nonsense");
    case "/patch-missing":
      return patched([{ op: "remove", path: "/data/missing" }]);
    case "/patch-invalid":
      return patched([{ op: "add", path: "/data/a b", value: "c" }]);
    case "/patch-type":
      return patched([{ op: "add", path: "/data/a", value: 1 }]);
    case "/patch-name":
      return patched([{ op: "replace", path: "/metadata/name", value: "renamed" }]);
    case "/patch-without-type":
      return reviewed({ allowed: true, patch: Buffer.from("[]").toString("base64") });
    case "/type-without-patch":
      return reviewed({ allowed: true, patchType: "JSONPatch" });
    case "/other-patch-type":
      return reviewed({ allowed: true, patchType: "Merge", patch: Buffer.from("[]").toString("base64") });
    case "/count":
      return patched(add("count", String(Number(data("object").count ?? "0") + 1)));
    case "/first":
      return patched(add("order", `${String(data("object").order ?? "")}first`));
    case "/second":
      return patched(add("order", `${String(data("object").order ?? "")}second`));
    case "/echo":
      return patched(Object.entries(echo(request)).flatMap(([name, value]) => add(name, value) as Json[]));
    case "/echo-deny":
      return reviewed({ allowed: false, status: { message: JSON.stringify(echo(request)) } });
    default:
      return { code: 404, body: "no such path", type: "text/plain" };
  }
}

/** What a webhook was asked, as text. */
function echo(request: JsonObject): Readonly<Record<string, string>> {
  const { object, oldObject, userInfo, uid: _, ...rest } = request;
  const user = isObject(userInfo) ? { username: userInfo.username ?? null, groups: userInfo.groups ?? null } : {};
  const told = { ...rest, object: summary(object), oldObject: summary(oldObject), user };
  return Object.fromEntries(Object.entries(told).map(([name, value]) => [name, JSON.stringify(sorted(value as Json))]));
}

const summary = (object: Json | undefined): Json =>
  isObject(object)
    ? {
        kind: object.kind ?? null,
        apiVersion: object.apiVersion ?? null,
        fields: Object.keys(object).sort(),
        metadata: isObject(object.metadata) ? Object.keys(object.metadata).sort() : null,
      }
    : (object ?? null);

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name] ?? null)]),
  );
}
