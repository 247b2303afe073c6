import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AdmissionRequest, type AdmissionResponse, ReviewError, readReview, writeReview } from "./admission.ts";
import type { ServingCertificate } from "./ca/serving.ts";

/** A pod with long annotations is some hundred kilobytes; the API server itself refuses objects above 3 MiB. */
const MAX_BODY = 4 * 1024 * 1024;

export type Review = (request: AdmissionRequest) => AdmissionResponse;

export interface WebhookServerOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** By path: /inject and /validate. What stands behind a further slash (Istio's cluster and network) is taken as well. */
  readonly reviews: Readonly<Record<string, Review>>;
  readonly isReady: () => boolean;
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
}

export interface WebhookServer {
  readonly port: number;
  stop(): void;
}

/** Serves the admission webhooks over TLS. Rejects if the address cannot be bound. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { certificate, host, port, log } = options;
  const server = createServer(certificate.options, (request, response) => {
    handle(options, request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof ReviewError ? 400 : 500;
      log.warn({ path: request.url, error: message }, "a webhook could not answer");
      if (!response.headersSent) response.writeHead(code, { "content-type": "text/plain" });
      response.end(message);
    });
  });
  const forget = certificate.onRenewed((renewed) => server.setSecureContext(renewed));
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    stop: () => {
      forget();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function handle(
  options: WebhookServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === "/ready") return answer(response, options.isReady() ? 200 : 503, "text/plain", "");
  const root = `/${path.split("/")[1] ?? ""}`;
  const review = options.reviews[root];
  if (review === undefined) return answer(response, 404, "text/plain", `there is no webhook at ${path}`);
  if (request.method !== "POST") return answer(response, 405, "text/plain", "admission reviews are sent with POST");
  const body = await read(request);
  answer(response, 200, "application/json", writeReview(review(readReview(body))));
}

function answer(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new ReviewError(`the review is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
