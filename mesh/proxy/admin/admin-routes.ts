import type { AdminRequest, Answer, Routes } from "#mesh/lib/admin/http.ts";
import type { AgentView } from "../agent/view.ts";
import type { LogLevel } from "../config.ts";
import { prometheus } from "./prometheus.ts";
import {
  certificates,
  clustersJson,
  clustersText,
  listenersJson,
  listenersText,
  memory,
  stats,
} from "./status-pages.ts";

const levels: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  warn: "warn",
  error: "error",
  critical: "error",
  off: "error",
};

/** Envoy's admin interface, as far as Istio's tools and people use it. Only on loopback. */
export function adminRoutes(view: AgentView): Routes {
  const json = (request: AdminRequest): boolean => request.query.get("format") === "json";
  const routes: Routes = {
    "/": { help: "this list", answer: () => help(routes) },
    "/help": { help: "this list", answer: () => help(routes) },
    "/certs": { help: "certificates of this workload", answer: () => ({ json: certificates(view) }) },
    "/clusters": {
      help: "upstream clusters and their endpoints (?format=json)",
      answer: (request) => (json(request) ? { json: clustersJson(view) } : { text: clustersText(view) }),
    },
    "/config_dump": {
      help: "the configuration in force (?include_eds, ?resource=dynamic_listeners)",
      answer: async ({ query }) => {
        // Loaded when first asked for: it knows every message there is, and most proxies are never asked.
        const { configDump } = await import("./config-dump.ts");
        return { json: configDump(view, query) };
      },
    },
    "/listeners": {
      help: "listeners that are bound (?format=json)",
      answer: (request) => (json(request) ? { json: listenersJson(view) } : { text: listenersText(view) }),
    },
    "/logging": { help: "the log's level; POST ?level=debug changes it", answer: (request) => logging(view, request) },
    "/memory": { help: "memory in use", answer: () => ({ json: memory() }) },
    "/ready": {
      help: "200 when it serves, 503 otherwise",
      answer: () => ({ status: view.notReady() === undefined ? 200 : 503, text: `${view.state()}\n` }),
    },
    "/server_info": {
      help: "version, state, node",
      answer: async () => {
        const { serverInfo } = await import("./server-info.ts");
        return { json: serverInfo(view) };
      },
    },
    "/stats": {
      help: "counters and gauges (?filter=regex, ?usedonly, ?format=json|prometheus)",
      answer: (request) => statsPage(view, request),
    },
    "/stats/prometheus": { help: "metrics in Prometheus' format", answer: (request) => prometheus(view, request) },
    "/drain_listeners": {
      method: "POST",
      help: "stop accepting connections",
      answer: () => {
        view.drain();
        return { text: "OK\n" };
      },
    },
    "/quitquitquit": {
      method: "POST",
      help: "drain and end",
      answer: () => {
        view.quit();
        return { text: "OK\n" };
      },
    },
  };
  return routes;
}

function help(routes: Routes): Answer {
  const lines = Object.entries(routes).map(
    ([path, route]) => `  ${path}${route.method === "POST" ? " (POST)" : ""}: ${route.help}\n`,
  );
  return { text: `admin commands are:\n${lines.join("")}` };
}

function logging({ log }: AgentView, { method, query }: AdminRequest): Answer {
  if (method === "POST") {
    // ?level=x and ?paths=name:x set everything, ?name=x one logger: there is one.
    const [asked = ""] = [...query.values()].map((value) => value.split(":").at(-1) ?? "");
    const level = levels[asked];
    if (level === undefined)
      return { status: 400, text: `no such level: "${asked}"; there are ${Object.keys(levels).join(", ")}\n` };
    log.level = level;
  }
  return { text: `active loggers:\n  agent: ${log.level}\n` };
}

function statsPage(view: AgentView, request: AdminRequest): Answer | Promise<Answer> {
  const { query } = request;
  if (query.get("format") === "prometheus") return prometheus(view, request);
  const filter = query.get("filter");
  let pattern: RegExp;
  try {
    pattern = new RegExp(filter ?? "");
  } catch (error) {
    return { status: 400, text: `the filter is no regular expression: ${(error as Error).message}\n` };
  }
  const shown = stats(view).filter(([name, value]) => pattern.test(name) && (!query.has("usedonly") || value > 0));
  if (query.get("format") === "json") return { json: { stats: shown.map(([name, value]) => ({ name, value })) } };
  return { text: shown.map(([name, value]) => `${name}: ${value}\n`).join("") };
}
