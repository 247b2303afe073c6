import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { type AdmissionRequest, type AdmissionResponse, ReviewError, readReview, writeReview } from "./admission.ts";
import type { ServingCertificate } from "./ca/serving.ts";

/** Answers admission requests by path. */
export type ReviewHandlers = ReadonlyMap<string, (request: AdmissionRequest) => AdmissionResponse>;

export interface WebhookServerOptions {
  readonly host: string;
  readonly port: number;
  readonly serving: ServingCertificate;
  readonly handlers: ReviewHandlers;
  readonly isReady: () => boolean;
  readonly log: Logger;
}

/** Objects are smaller than what etcd would store; a review carries two. */
const MAX_BODY = 8 * 1024 * 1024;

/** Serves the admission webhooks over TLS; a renewed certificate is taken for the next handshake. */
export async function startWebhookServer(
  options: WebhookServerOptions,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer(options.serving.options, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error({ path: request.url, err: error }, "webhook failed");
      write(response, error instanceof ReviewError ? 400 : 500, error instanceof Error ? error.message : String(error));
    });
  });
  const unfollow = options.serving.onRenewed((context) => server.setSecureContext(context));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      unfollow();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  options: WebhookServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? "/", "https://istiod").pathname;
  if (path === "/ready") return write(response, options.isReady() ? 200 : 503, options.isReady() ? "ok" : "not ready");
  // Istio's injection URLs may carry the cluster's name and more behind the path.
  const handler = options.handlers.get(`/${path.split("/")[1] ?? ""}`);
  if (handler === undefined) return write(response, 404, `there is no webhook ${path}`);
  if (request.method !== "POST") return write(response, 405, "only POST");
  const body = await readBody(request);
  const review = writeReview(handler(readReview(body)));
  response.writeHead(200, { "content-type": "application/json" }).end(review);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ReviewError(`the body is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function write(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { "content-type": "text/plain" }).end(`${text}\n`);
}
