import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { gunzipSync } from "node:zlib";
import type { Connection } from "#kube/connection.ts";

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** HTTPS without anybody's idea of Kubernetes in between. */
export interface RawClient {
  send(request: RawRequest): Promise<RawAnswer>;
  /** Resolves with the head of the answer; the body is the caller's. */
  open(request: RawRequest): Promise<IncomingMessage>;
  close(): void;
}

const TIMEOUT_MS = 60_000;

export async function rawClient(connection: Connection): Promise<RawClient> {
  const agent = new Agent({ keepAlive: true, ...(await connection.tls()) });
  const authorization = await connection.authorization();
  const open = ({ method, path, headers, body }: RawRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, connection.server), {
        agent,
        method,
        timeout: TIMEOUT_MS,
        headers: {
          "user-agent": "slipway-differential/1",
          accept: "application/json",
          // Otherwise Node leaves the length of a DELETE's body unsaid.
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...(authorization === undefined ? {} : { authorization }),
          ...headers,
        },
      });
      outgoing.on("response", resolve);
      outgoing.on("error", reject);
      outgoing.on("timeout", () => outgoing.destroy(new Error(`${method} ${path} was not answered`)));
      outgoing.end(body);
    });
  return {
    open,
    send: async (asked) => {
      const response = await open(asked);
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const text = response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
      return { code: response.statusCode ?? 0, headers: response.headers, text: text.toString("utf8") };
    },
    close: () => agent.destroy(),
  };
}
