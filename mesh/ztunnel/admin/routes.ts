import type { Routes } from "#mesh/lib/admin/http.ts";
import type { Registry } from "#mesh/lib/metrics/registry.ts";
import type { Log, LogLevel } from "../log.ts";
import { configDump, type DumpSources } from "./config-dump.ts";

export interface AdminSources extends DumpSources {
  readonly log: Log;
  readonly registry: Registry;
  /** Why it is not ready; undefined when it is. */
  readonly notReady: () => string | undefined;
  readonly quit: () => void;
}

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Only on loopback. */
export function adminRoutes(sources: AdminSources): Routes {
  return {
    "/config_dump": {
      help: "workloads, services, policies, certificates and connections",
      answer: () => ({ json: configDump(sources) }),
    },
    "/logging": {
      help: "the level of the log; POST ?level=debug changes it",
      answer: ({ query, method }) => {
        const level = levels.find((one) => one === query.get("level"));
        if (method === "POST" && level === undefined)
          return { status: 400, text: `level is one of ${levels.join(", ")}\n` };
        if (level !== undefined && method === "POST") sources.log.level = level;
        return { text: `current log level is ${sources.log.level}\n` };
      },
    },
    "/quitquitquit": {
      method: "POST",
      help: "drains and ends the process",
      answer: () => {
        sources.quit();
        return { text: "shutdown now\n" };
      },
    },
  };
}

/** For whoever collects metrics. */
export function statsRoutes(sources: AdminSources): Routes {
  const { registry } = sources;
  const metrics = {
    help: "metrics in Prometheus' text format",
    answer: () => ({ text: registry.text(), type: "text/plain; version=0.0.4; charset=utf-8" }),
  };
  return {
    "/metrics": metrics,
    "/stats/prometheus": metrics,
    "/slipway/config_dump": {
      method: "GET",
      localOnly: true,
      help: "what it knows, as at the admin port, which cannot be reached from outside of the pod",
      answer: () => ({ json: configDump(sources) }),
    },
  };
}

export function readinessRoutes({ notReady }: Pick<AdminSources, "notReady">): Routes {
  return {
    "/healthz/ready": {
      help: "200 when it may be relied on",
      answer: () => {
        const why = notReady();
        return why === undefined ? { text: "ready\n" } : { status: 503, text: `not ready: ${why}\n` };
      },
    },
  };
}
