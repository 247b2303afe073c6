import { get } from "node:http";
import type { AdminRequest, Answer } from "#mesh/lib/admin/http.ts";
import type { AgentView } from "../agent/view.ts";
import type { ApplicationMetrics } from "../config.ts";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TIMEOUT_MS = 1000;
/** An application that answers with more is not merged. */
const LARGEST = 10_000_000;

/** This proxy's metrics. */
export function prometheus({ registry }: AgentView, { headers, query }: AdminRequest): Answer {
  const open = headers.accept?.includes("application/openmetrics-text") === true;
  const filter = filterOf(query);
  if (typeof filter === "string") return { status: 400, text: filter };
  return open
    ? { text: registry.text("openmetrics", filter), type: OPEN_METRICS }
    : { text: registry.text("prometheus", filter), type: TEXT };
}

/** This proxy's metrics and the application's, as Istio merges them: one scrape of a pod gets both. With a filter, the proxy's alone. */
export async function mergedMetrics(view: AgentView, request: AdminRequest): Promise<Answer> {
  const { applicationMetrics } = view.config;
  // An application's metrics may not come in OpenMetrics, so the sum of both does not either.
  const own = prometheus(view, { ...request, headers: {} });
  if (applicationMetrics === undefined || request.query.has("filter") || !("text" in own)) return own;
  const theirs = await scrape(applicationMetrics).catch((error: Error) => {
    view.log.debug({ error: error.message }, "the application's metrics could not be read");
    return "";
  });
  return { text: own.text + theirs, type: TEXT };
}

/** `?filter=regex` as in Envoy: whoever asks every second asks for what it shows. What is wrong with it, when it is none. */
function filterOf(query: URLSearchParams): ((name: string) => boolean) | string {
  const filter = query.get("filter");
  if (filter === null) return () => true;
  try {
    const pattern = new RegExp(filter);
    return (name) => pattern.test(name);
  } catch (error) {
    return `the filter is no regular expression: ${(error as Error).message}\n`;
  }
}

function scrape({ port, path }: ApplicationMetrics): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: "127.0.0.1", port, path, timeout: TIMEOUT_MS, headers: { accept: "text/plain" } },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          return reject(new Error(`the application answered ${response.statusCode}`));
        }
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > LARGEST) response.destroy(new Error("the application's metrics are too long"));
        });
        response.on("end", () => resolve(text));
        response.on("error", reject);
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on("error", reject);
  });
}
