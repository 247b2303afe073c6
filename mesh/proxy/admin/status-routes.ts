import type { ServerResponse } from "node:http";
import type { AdminRequest, Answer, Routes } from "#mesh/lib/admin/http.ts";
import type { AgentView } from "../agent/view.ts";
import { probeApplication } from "./application-probe.ts";
import { mergedMetrics, prometheus } from "./prometheus.ts";
import { certificates } from "./status-pages.ts";

/** Port 15020: health and metrics of the pod, probes of the application, and the stream of requests for Slipway's inspector. */
export function statusRoutes(view: AgentView): Routes {
  const merged = {
    help: "metrics of the proxy and of the application (?filter=regex)",
    answer: (request: AdminRequest) => mergedMetrics(view, request),
  };
  return {
    "/healthz/ready": readiness(view),
    "/stats/prometheus": merged,
    "/metrics": merged,
    "/app-health/": { help: "the application's probes", answer: (request) => appHealth(view, request) },
    "/app-lifecycle/": { help: "the application's lifecycle hooks", answer: (request) => appHealth(view, request) },
    "/slipway/requests": {
      method: "GET",
      localOnly: true,
      help: "requests as NDJSON (?since=number)",
      answer: (request) => requests(view, request),
    },
    "/slipway/config_dump": {
      method: "GET",
      localOnly: true,
      help: "the configuration in force, as at the admin port, which cannot be reached from outside of the pod",
      answer: async ({ query }) => {
        const { configDump } = await import("./config-dump.ts");
        return { json: configDump(view, query) };
      },
    },
    "/slipway/certs": {
      method: "GET",
      localOnly: true,
      help: "certificates of this workload, as at the admin port's /certs",
      answer: () => ({ json: certificates(view) }),
    },
    "/quitquitquit": {
      method: "POST",
      localOnly: true,
      help: "drain and end; from this pod only",
      answer: () => done(() => view.quit()),
    },
    "/drain": {
      method: "POST",
      localOnly: true,
      help: "stop accepting; from this pod only",
      answer: () => done(() => view.drain()),
    },
  };
}

/** Port 15021: only whether the proxy is ready, for probes and load balancers. */
export const healthRoutes = (view: AgentView): Routes => ({ "/healthz/ready": readiness(view) });

/** Port 15090: the proxy's own metrics. */
export const prometheusRoutes = (view: AgentView): Routes => ({
  "/stats/prometheus": { method: "GET", help: "the proxy's metrics", answer: (request) => prometheus(view, request) },
});

function readiness(view: AgentView): Routes[string] {
  return {
    method: "GET",
    help: "200 when configuration and certificate are there",
    answer: () => {
      const why = view.notReady();
      return why === undefined ? { text: "" } : { status: 503, text: `${why}\n` };
    },
  };
}

function done(act: () => void): Answer {
  act();
  return { text: "OK\n" };
}

async function appHealth({ config }: AgentView, { path }: AdminRequest): Promise<Answer> {
  const prober = config.probers[path];
  if (prober === undefined) return { status: 404, text: `no probe of the application is known as ${path}\n` };
  return { status: await probeApplication(prober, config.pod.ip), text: "" };
}

function requests({ events }: AgentView, { query }: AdminRequest): Answer {
  const since = Number(query.get("since") ?? 0);
  if (!Number.isInteger(since) || since < 0)
    return { status: 400, text: "since must be a number that an earlier line had\n" };
  return {
    stream: (response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-cache" });
      response.flushHeaders();
      const reading = events.read(since, { write: (lines) => response.write(lines) });
      response.on("drain", reading.resume);
      response.on("close", reading.end);
    },
  };
}
