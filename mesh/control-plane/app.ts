import { hostname } from "node:os";
import { ServerCredentials } from "@grpc/grpc-js";
import pino, { type Logger } from "pino";
import { KubeClient } from "#kube/client.ts";
import type { Connection } from "#kube/connection.ts";
import type { ControlPlaneConfig } from "./config.ts";
import { kubeSource } from "./ingest/kube-source.ts";
import { startPilot } from "./pilot.ts";
import { adsDefinition } from "./serve/ads-service.ts";
import { startGrpcServer } from "./serve/grpc-server.ts";
import { startDebugServer, startMonitoringServer } from "./status/status-server.ts";

export interface ControlPlane {
  /** Ports that were bound. */
  readonly bound: { readonly grpc: number; readonly debug: number; readonly monitoring: number };
  /** Everything was listed once and is served. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface ControlPlaneParts {
  readonly connection: Connection;
  readonly log?: Logger;
}

/** Boots the whole control plane. Rejects if an address cannot be bound; what was bound by then is released. */
export async function buildControlPlane(config: ControlPlaneConfig, parts: ControlPlaneParts): Promise<ControlPlane> {
  const log = parts.log ?? pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const client = new KubeClient(parts.connection);
  const stops: (() => unknown)[] = [() => client.close()];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).toReversed()) await one();
  };
  try {
    const pilot = startPilot({
      source: kubeSource({ client, rootNamespace: config.podNamespace, log }),
      store: { domain: config.domain, clusterId: config.clusterId, rootNamespace: config.podNamespace },
      instance: `${config.podName || hostname()}-${Date.now().toString(36)}`,
      log,
    });
    stops.push(() => pilot.stop());
    const { host, ports } = config;
    const grpc = await startGrpcServer({
      address: `${host}:${ports.grpc}`,
      credentials: ServerCredentials.createInsecure(),
      services: [{ definition: adsDefinition, implementation: pilot.service(undefined) }],
    });
    stops.push(() => grpc.stop());
    const debug = await startDebugServer(pilot, { host, port: ports.debug });
    stops.push(() => debug.stop());
    const monitoring = await startMonitoringServer(pilot, { host, port: ports.monitoring });
    stops.push(() => monitoring.stop());
    const bound = { grpc: grpc.port, debug: debug.port, monitoring: monitoring.port };
    log.info({ bound }, "control plane listens");
    return { bound, ready: pilot.ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
