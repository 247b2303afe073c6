import { setTimeout as delay } from "node:timers/promises";
import { LineWriter, streamSink } from "#mesh/lib/access-log/writer.ts";
import { type HttpPort, type Routes, type ServeOptions, serveRoutes } from "#mesh/lib/admin/http.ts";
import { refusals } from "#mesh/lib/admin/refusals.ts";
import { controlPlaneConnector } from "#mesh/lib/control-plane/connect.ts";
import { RevocationFile } from "#mesh/lib/identity/revocation-file.ts";
import { Registry } from "#mesh/lib/metrics/registry.ts";
import { XdsClient } from "#mesh/lib/xds/client.ts";
import { adminRoutes } from "./admin/admin-routes.ts";
import { healthRoutes, prometheusRoutes, statusRoutes } from "./admin/status-routes.ts";
import { AccessLogSink } from "./agent/access-log.ts";
import { Certificates } from "./agent/certificates.ts";
import { EventStream } from "./agent/event-stream.ts";
import { Intake } from "./agent/intake.ts";
import { Log } from "./agent/log.ts";
import type { MarkedRelay } from "./agent/marked-relay.ts";
import { nodeId, nodeOf, selfOf } from "./agent/node.ts";
import { ownSecretResources } from "./agent/own-secrets.ts";
import { collectProcessMetrics } from "./agent/process-metrics.ts";
import { SecretServer } from "./agent/secret-server.ts";
import { IstioMetrics } from "./agent/telemetry.ts";
import type { AgentView, ServerState } from "./agent/view.ts";
import type { ProxyConfig } from "./config.ts";
import type { DataPlane, DataPlaneOptions } from "./data-plane.ts";
import type { RequestSink } from "./request-record.ts";

/** How long a proxy that ends still accepts, so that its peers hear of it before connections are refused. */
const LAME_DUCK_MS = 1000;

export interface ProxyParts {
  readonly createDataPlane: (options: DataPlaneOptions) => DataPlane;
  /** Given where the agent's own connections must be marked. */
  readonly relay?: MarkedRelay;
  /** Where the access log goes; the process's standard output by default. */
  readonly output?: NodeJS.WritableStream;
  readonly log?: Log;
  /** Somebody asked over HTTP that the process end. */
  readonly onQuit?: () => void;
}

export interface RunningProxy {
  readonly bound: {
    readonly admin: number;
    readonly status: number;
    readonly health: number;
    readonly prometheus: number;
  };
  readonly view: AgentView;
  /** Drains for as long as configured, then lets go of everything. */
  stop(): Promise<void>;
}

/** Puts a proxy together from its parts, in the order in which data flows, and starts it. Rejects when a port cannot be had. */
export async function buildProxy(config: ProxyConfig, parts: ProxyParts): Promise<RunningProxy> {
  const log = parts.log ?? new Log(config.logLevel);
  const registry = new Registry();
  const self = selfOf(config);
  const writer = new LineWriter(streamSink(parts.output ?? process.stdout));
  const accessLog = new AccessLogSink(writer);
  const events = new EventStream();
  const dataPlane = parts.createDataPlane({
    nodeId: nodeId(config),
    self,
    role: config.role,
    sink: all([new IstioMetrics(registry, self), accessLog, events]),
    log,
  });

  const connect = controlPlaneConnector(config, parts.relay);
  const xds = new XdsClient({
    protocol: config.protocol,
    node: nodeOf(config),
    log,
    connect: () => connect(config.discoveryAddress),
  });
  const intake = new Intake({
    xds,
    dataPlane,
    log,
    certificates: true,
    onListeners: (listeners) => accessLog.configure(listeners),
  });
  const secretServer = new SecretServer();
  const publish = (): void => {
    const { current } = certificates;
    if (current === undefined) return;
    const secrets = ownSecretResources(current, revocation.pem);
    intake.setOwnSecrets(secrets);
    secretServer.set(secrets);
  };
  const certificates = new Certificates({ config, connect, log, onCertificate: publish });
  const revocation = new RevocationFile({
    path: config.files.revocation,
    authorities: () => certificates.authorities,
    log,
    onChange: publish,
  });
  const lifecycle = new Lifecycle(config, { dataPlane, intake, certificates });
  const view: AgentView = {
    config,
    startedAt: Date.now(),
    log,
    registry,
    events,
    xds,
    subscriptions: intake.subscriptions,
    dataPlane,
    certificate: () => certificates.current,
    revocation,
    state: () => lifecycle.state(),
    notReady: () => lifecycle.notReady(),
    quit: () => parts.onQuit?.(),
    drain: () => void lifecycle.drain(),
  };
  collectProcessMetrics(view, writer);

  const ports = await bindPorts(config, view, refusals(registry, log));
  await secretServer.listen(config.files.secretSocket).catch((error: Error) => {
    log.warn(
      { error: error.message, path: config.files.secretSocket },
      "certificates are not served to an Envoy: no socket",
    );
  });
  // Before the first certificate: nobody who was revoked is let in for a moment.
  await revocation.start();
  certificates.start();
  xds.start();
  const { admin, status, health, prometheus } = ports;
  log.info({ node: nodeId(config), discoveryAddress: config.discoveryAddress }, "the proxy has started");

  return {
    bound: { admin: admin.port, status: status.port, health: health.port, prometheus: prometheus.port },
    view,
    stop: async () => {
      await lifecycle.drain();
      certificates.close();
      revocation.close();
      xds.close();
      await dataPlane.close();
      secretServer.close();
      for (const port of Object.values(ports)) port.close();
      parts.relay?.close();
      writer.flush();
    },
  };
}

async function bindPorts(config: ProxyConfig, view: AgentView, onRefused: ServeOptions["onRefused"]) {
  const opened: HttpPort[] = [];
  const open = async (routes: Routes, host: string, port: number): Promise<HttpPort> => {
    const bound = await serveRoutes(routes, { host, port, ...(onRefused && { onRefused }) });
    opened.push(bound);
    return bound;
  };
  try {
    return {
      admin: await open(adminRoutes(view), "127.0.0.1", config.ports.admin),
      status: await open(statusRoutes(view), "0.0.0.0", config.ports.status),
      health: await open(healthRoutes(view), "0.0.0.0", config.ports.health),
      prometheus: await open(prometheusRoutes(view), "0.0.0.0", config.ports.prometheus),
    };
  } catch (error) {
    for (const port of opened) port.close();
    throw error;
  }
}

interface LifecycleParts {
  readonly dataPlane: DataPlane;
  readonly intake: Intake;
  readonly certificates: Certificates;
}

/** Where the proxy is between its start and its end. */
class Lifecycle {
  readonly #config: ProxyConfig;
  readonly #parts: LifecycleParts;
  #draining: Promise<void> | undefined;

  constructor(config: ProxyConfig, parts: LifecycleParts) {
    this.#config = config;
    this.#parts = parts;
  }

  state(): ServerState {
    if (this.#draining !== undefined) return "DRAINING";
    return this.notReady() === undefined ? "LIVE" : "PRE_INITIALIZING";
  }

  notReady(): string | undefined {
    const { certificates, intake } = this.#parts;
    const { clusters, listeners } = intake.subscriptions;
    if (this.#draining !== undefined) return "the proxy is draining";
    if (certificates.current === undefined) return "no workload certificate yet";
    const [cds, lds] = [clusters.status(), listeners.status()];
    if (cds.accepted > 0 && lds.accepted > 0) return undefined;
    const because = cds.lastError ?? lds.lastError;
    return `config not received from the control plane: cds ${cds.accepted > 0 ? "ok" : "missing"}, lds ${lds.accepted > 0 ? "ok" : "missing"}${because === undefined ? "" : ` (${because})`}`;
  }

  /** Not ready from now on; connections are still accepted for a moment, then only what is in flight ends. */
  drain(): Promise<void> {
    const { drainMs } = this.#config;
    this.#draining ??= (async () => {
      const lameDuck = Math.min(LAME_DUCK_MS, drainMs / 2);
      // Who is told with an answer moves on without loss; a connection that is closed while it idles may meet a request half-way.
      this.#parts.dataPlane.sendAway();
      await delay(lameDuck);
      await this.#parts.dataPlane.drain(drainMs - lameDuck);
    })();
    return this.#draining;
  }
}

/** One sink that passes each record on. */
function all(sinks: readonly RequestSink[]): RequestSink {
  return {
    record: (record) => {
      for (const sink of sinks) sink.record(record);
    },
    decided: (policy, outcome) => {
      for (const sink of sinks) sink.decided?.(policy, outcome);
    },
  };
}
