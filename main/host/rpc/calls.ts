import { stringify } from "yaml";
import { AppError } from "#api/errors.ts";
import { trafficSettingsSchema } from "#api/lab.ts";
import { ports, VERSION } from "#api/names.ts";
import type { AppInfo, ProxyConfigPart } from "#api/rpc/contract.ts";
import { kubeconfigPaths, listContexts } from "#cluster/existing/context.ts";
import type { HostServices } from "../services.ts";
import { readCertificates } from "../telemetry/certificates.ts";
import type { CallHandlers } from "./handlers.ts";

/** Where each part lies in an Envoy configuration dump. */
const dumpTypes: Readonly<Record<Exclude<ProxyConfigPart, "all">, string>> = {
  listeners: "ListenersConfigDump",
  routes: "RoutesConfigDump",
  clusters: "ClustersConfigDump",
  endpoints: "EndpointsConfigDump",
  secrets: "SecretsConfigDump",
  bootstrap: "BootstrapConfigDump",
};

/** The calls of the contract, each a line or two over the service that knows. */
export function createCalls(services: HostServices): CallHandlers {
  const { clusters, terminals } = services;
  return {
    "app.info": async (): Promise<AppInfo> => ({
      version: VERSION,
      hostPid: process.pid,
      clusterPid: clusters.current.value.provisioning.cluster?.pid,
      mode: services.mode,
      shopUrl: clusters.running.value?.shopUrl,
      platform: process.platform,
    }),
    "app.shutdown": async ({ deleteState }) => {
      services.shutdown(deleteState);
      return {};
    },
    "cluster.start": async ({ name }) => {
      clusters.get(name).provisioning.start();
      return {};
    },
    "cluster.cancel": async ({ name }) => {
      clusters.get(name).provisioning.cancel();
      return {};
    },
    "cluster.stop": async ({ name }) => {
      await clusters.get(name).provisioning.stop();
      return {};
    },
    "cluster.delete": async ({ name }) => {
      await clusters.remove(name);
      return {};
    },
    "cluster.create": async ({ definition }) => {
      await clusters.create(definition);
      return {};
    },
    "cluster.contexts": async ({ kubeconfig }) => ({ contexts: await listContexts(kubeconfigPaths(kubeconfig)) }),
    "cluster.select": async ({ name }) => {
      await clusters.select(name);
      return {};
    },
    "images.save": async ({ folder }, signal) => ({ images: await services.archives.save(folder, signal) }),
    "images.load": async ({ folder }, signal) => ({ images: await services.archives.load(folder, signal) }),
    "labs.list": async ({ language }) => services.labs().list(language),
    "labs.open": async ({ lab, language }) => {
      const session = await services.labs().open(lab);
      return session.view(language);
    },
    "labs.reset": async ({ lab }) => {
      await services.labs().session(lab).reset();
      return {};
    },
    "labs.goto": async ({ lab, step }) => {
      await services.labs().session(lab).goto(step);
      return {};
    },
    "labs.solution": async ({ lab, step }) => ({ yaml: services.labs().session(lab).solution(step) }),
    "labs.apply": ({ lab, step, yaml }) => services.labs().session(lab).apply(step, yaml),
    "labs.check": async ({ lab, step, once }) => ({
      passed: await services
        .labs()
        .session(lab)
        .check(step, once ? 0 : undefined),
    }),
    "labs.cancelCheck": async ({ lab }) => {
      services.labs().session(lab).cancelChecks();
      return {};
    },
    "manifest.check": ({ yaml }) => services.running().api.check(yaml),
    "manifest.apply": ({ yaml }) => services.running().api.apply(yaml),
    "manifest.live": async (object) => {
      const live = await services.running().api.get(object);
      if (live === undefined) return { yaml: undefined };
      const { managedFields: _, ...metadata } = live.metadata;
      return { yaml: stringify({ ...live, metadata }) };
    },
    "traffic.start": async ({ settings }, signal) => {
      const parsed = trafficSettingsSchema.safeParse(settings);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new AppError("BAD_REQUEST", `${issue?.path.join(".") ?? "settings"}: ${issue?.message ?? "not valid"}`);
      }
      await services.running().generator.start(parsed.data, signal);
      return {};
    },
    "traffic.stop": async () => {
      await services.running().generator.stop();
      return {};
    },
    "pods.list": async ({ namespace }) => services.running().collector.summaries(namespace),
    "proxy.config": async ({ namespace, pod, part }, signal) => {
      // The admin port is on the pod's loopback; the agent relays what may be read there.
      const target = { namespace, pod, port: ports.agentStatus };
      const response = await services
        .running()
        .api.podLocalRequest(target, { path: "/slipway/config_dump?include_eds", signal });
      if (response.status !== 200)
        throw new AppError(
          "NOT_FOUND",
          `the proxy of ${pod} answered ${response.status}: ${(await response.text()).slice(0, 200)}`,
        );
      return { json: partOf(JSON.parse(await response.text()), part) };
    },
    "proxy.certificates": async (_, signal) => {
      const { api, collector } = services.running();
      return await readCertificates(api, collector.mesh.value.proxies, signal);
    },
    "terminal.open": async ({ target, columns, rows }) => ({
      terminal: await terminals.open(target, { columns, rows }),
    }),
    "terminal.input": async ({ terminal, data }) => {
      terminals.input(terminal, data);
      return {};
    },
    "terminal.resize": async ({ terminal, columns, rows }) => {
      terminals.resize(terminal, columns, rows);
      return {};
    },
    "terminal.close": async ({ terminal }) => {
      terminals.close(terminal);
      return {};
    },
  };
}

function partOf(dump: unknown, part: ProxyConfigPart): unknown {
  if (part === "all") return dump;
  const { configs = [] } = dump as { readonly configs?: readonly { readonly "@type"?: string }[] };
  return { configs: configs.filter((config) => config["@type"]?.endsWith(`.${dumpTypes[part]}`)) };
}
