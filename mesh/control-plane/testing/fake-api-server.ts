import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { KubeObject } from "#api/kinds/object.ts";
import type { Connection } from "#kube/connection.ts";

/** As much of an API server as the control plane needs to boot in a test: lists, watches, and writes that are remembered. */
export class FakeApiServer {
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Map<string, Set<ServerResponse>>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #version = 1;

  async start(): Promise<Connection> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    return {
      server: new URL(`http://127.0.0.1:${port}`),
      tls: async () => ({ rejectUnauthorized: true }),
      authorization: async () => undefined,
    };
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Puts an object into a collection such as "services" and tells who watches it. */
  put(resource: string, object: KubeObject): KubeObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    const key = `${resource} ${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
    const type = this.#objects.has(key) ? "MODIFIED" : "ADDED";
    this.#objects.set(key, stored);
    const line = `${JSON.stringify({ type, object: stored })}\n`;
    for (const watcher of this.#watchers.get(resource) ?? []) watcher.write(line);
    return stored;
  }

  get(resource: string, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(`${resource} ${namespace}/${name}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://api");
    const { resource, namespace, name } = placeOf(url.pathname);
    const send = (code: number, body: unknown): void => {
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (url.pathname === "/version") return send(200, { major: "1", minor: "36" });
    if (url.searchParams.has("watch")) return this.#watch(resource, response);
    if (request.method === "POST" || request.method === "PATCH") {
      const body = JSON.parse(await textOf(request)) as KubeObject & { spec?: { token?: string } };
      if (resource === "tokenreviews") return send(201, reviewOf(body.spec?.token ?? ""));
      const before = name === undefined ? undefined : this.get(resource, namespace ?? "", name);
      const metadata = { ...before?.metadata, ...body.metadata };
      return send(201, this.put(resource, { ...before, ...body, metadata }));
    }
    if (name === undefined) return send(200, this.#list(resource));
    const object = this.get(resource, namespace ?? "", name);
    return object === undefined ? send(404, { kind: "Status", code: 404, reason: "NotFound" }) : send(200, object);
  }

  #list(resource: string): unknown {
    const items = [...this.#objects].filter(([key]) => key.startsWith(`${resource} `)).map(([, object]) => object);
    return { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(this.#version) }, items };
  }

  #watch(resource: string, response: ServerResponse): void {
    const watchers = this.#watchers.get(resource) ?? new Set<ServerResponse>();
    this.#watchers.set(resource, watchers.add(response));
    response.on("close", () => watchers.delete(response));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
  }
}

/** A token "namespace/account" is that account's. */
const reviewOf = (token: string): unknown => {
  const [namespace, account] = token.split("/");
  return {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    metadata: {},
    spec: { token },
    status: {
      authenticated: account !== undefined,
      audiences: ["istio-ca"],
      user: { username: `system:serviceaccount:${namespace}:${account}` },
    },
  };
};

function placeOf(path: string): { resource: string; namespace?: string; name?: string } {
  const parts = path.split("/").filter((part) => part !== "");
  const rest = parts.slice(parts[0] === "api" ? 2 : 3);
  const [namespace, [resource = "", name]] =
    rest[0] === "namespaces" && rest.length > 2 ? [rest[1], rest.slice(2)] : [undefined, rest];
  return { resource, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
