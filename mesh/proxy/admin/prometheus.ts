import { get } from "node:http";
import type { AgentView } from "../agent/view.ts";
import type { ApplicationMetrics } from "../config.ts";
import type { AdminRequest, Answer } from "./http.ts";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TIMEOUT_MS = 1000;
/** An application that answers with more is not merged. */
const LARGEST = 10_000_000;

/** This proxy's metrics. */
export function prometheus({ registry }: AgentView, { headers }: AdminRequest): Answer {
  return headers.accept?.includes("application/openmetrics-text")
    ? { text: registry.text("openmetrics"), type: OPEN_METRICS }
    : { text: registry.text(), type: TEXT };
}

/** This proxy's metrics and the application's, as Istio merges them: one scrape of a pod gets both. */
export async function mergedMetrics(view: AgentView): Promise<Answer> {
  const { applicationMetrics } = view.config;
  const own = view.registry.text();
  if (applicationMetrics === undefined) return { text: own, type: TEXT };
  const theirs = await scrape(applicationMetrics).catch((error: Error) => {
    view.log.debug({ error: error.message }, "the application's metrics could not be read");
    return "";
  });
  return { text: own + theirs, type: TEXT };
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
