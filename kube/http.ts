import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import type { Connection } from "./connection.ts";
import { kubeError } from "./status-error.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds until the answer begins. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Sends requests to one API server over kept connections. */
export class HttpClient {
  readonly connection: Connection;
  #agent: Promise<Agent | PlainAgent> | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The answer with its body still to be read, whatever its status. Rejects when there is none. */
  async send(options: HttpRequest): Promise<IncomingMessage> {
    const [agent, authorization] = await Promise.all([this.#connect(), this.connection.authorization()]);
    options.signal?.throwIfAborted();
    const { server } = this.connection;
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { accept: "application/json", ...options.headers };
      if (authorization !== undefined) headers.authorization = authorization;
      if (options.body !== undefined) headers["content-length"] = Buffer.byteLength(options.body);
      const request = isPlain(server) ? plainRequest : tlsRequest;
      const outgoing = request({
        agent,
        host: server.hostname.replace(/^\[|\]$/g, ""),
        port: server.port || (isPlain(server) ? 80 : 443),
        path: server.pathname.replace(/\/$/, "") + options.path,
        method: options.method,
        headers,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      const timer = setTimeout(
        () =>
          outgoing.destroy(
            new Error(
              `no answer from ${server.host} to ${options.method} ${options.path} within ${options.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`,
            ),
          ),
        options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      );
      outgoing.on("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      outgoing.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      outgoing.end(options.body);
    });
  }

  /** The body of a successful answer as text. Rejects with a KubeError otherwise. */
  async text(options: HttpRequest): Promise<string> {
    const response = await this.send(options);
    const text = await readText(response);
    const status = response.statusCode ?? 0;
    if (status >= 400) throw kubeError(status, text);
    return text;
  }

  async json<T>(options: HttpRequest): Promise<T> {
    return JSON.parse(await this.text(options)) as T;
  }

  close(): void {
    void this.#agent?.then((agent) => agent.destroy());
    this.#agent = undefined;
  }

  #connect(): Promise<Agent | PlainAgent> {
    const kept = { keepAlive: true, maxSockets: 256, maxFreeSockets: 16 };
    this.#agent ??= isPlain(this.connection.server)
      ? Promise.resolve(new PlainAgent(kept))
      : this.connection.tls().then((tls) => new Agent({ ...kept, ...tls }));
    return this.#agent;
  }
}

/** Without TLS: `kubectl proxy`, say. */
export const isPlain = (server: URL): boolean => server.protocol === "http:";

export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Lines of a body as they arrive. */
export async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield line;
  }
  if (rest !== "") yield rest;
}
