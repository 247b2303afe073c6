import { setTimeout as delay } from "node:timers/promises";
import { numberFromEnv, readBody, sendJson, serve } from "../http.ts";

/** Answers with what it got. ?status=503 ?delay=200 (ms) ?size=1024 (bytes of padding) shape the answer. */
export function serveEcho(): void {
  serve(numberFromEnv("PORT", 8080), async (request, response, url) => {
    const body = await readBody(request, 1_000_000);
    const number = (name: string, most: number): number => Math.min(most, Number(url.searchParams.get(name)) || 0);
    await delay(number("delay", 60_000));
    const padding = "x".repeat(number("size", 10_000_000));
    const { method, headers } = request;
    sendJson(response, number("status", 599) || 200, {
      method,
      path: url.pathname + url.search,
      headers,
      body,
      ...(padding && { padding }),
    });
  });
}
