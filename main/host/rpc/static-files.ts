import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
};

const securityHeaders = {
  "content-security-policy":
    "default-src 'self'; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};

/** Serves the built interface. Names with a content hash are cached for ever, the page itself never. */
export function serveStatic(request: IncomingMessage, response: ServerResponse, folder: string): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  let path: string;
  try {
    path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
  } catch {
    response.writeHead(400).end();
    return;
  }
  const file = join(folder, path === "/" ? "index.html" : path);
  if (!file.startsWith(folder)) {
    response.writeHead(404).end();
    return;
  }
  stat(file)
    .then((stats) => {
      if (!stats.isFile()) throw new Error("not a file");
      response.writeHead(200, {
        ...securityHeaders,
        "content-type": types[extname(file)] ?? "application/octet-stream",
        "content-length": stats.size,
        "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-store",
      });
      if (request.method === "HEAD") response.end();
      else createReadStream(file).pipe(response);
    })
    .catch(() => {
      if (!response.headersSent) response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    });
}
