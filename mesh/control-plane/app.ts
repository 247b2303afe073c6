import { ServerCredentials } from "@grpc/grpc-js";
import pino, { type Logger } from "pino";
import { KubeClient } from "#kube/client.ts";
import type { Connection } from "#kube/connection.ts";
import { distributeFiles } from "./ca/distribute.ts";
import { followAuthority, type LiveAuthority } from "./ca/live.ts";
import { nodeAuthorizer, sameAccount } from "./ca/node-authorizer.ts";
import { caService } from "./ca/service.ts";
import { ServingCertificate } from "./ca/serving.ts";
import { tokenReviewer } from "./ca/token-review.ts";
import { maintainWebhooks } from "./ca/webhooks.ts";
import type { ControlPlaneConfig } from "./config.ts";
import { runGatewayController } from "./gateways/controller.ts";
import { kubeSource } from "./ingest/kube-source.ts";
import { defaultSettings, type InjectionSettings, supportsNativeSidecars } from "./injection/settings.ts";
import { reviewInjection } from "./injection/webhook.ts";
import { trustDomainsOf } from "./model/mesh-config.ts";
import { type Pilot, startPilot } from "./pilot.ts";
import { adsDefinition } from "./serve/ads-service.ts";
import { authenticator, type Identity } from "./serve/authenticate.ts";
import { startGrpcServer } from "./serve/grpc-server.ts";
import { secretReader } from "./serve/secret-reader.ts";
import { startDebugServer, startMonitoringServer } from "./status/status-server.ts";
import { reviewConfiguration } from "./validation/webhook.ts";
import { type Review, startWebhookServer } from "./webhook-server.ts";

export interface ControlPlane {
  /** Ports that were bound. */
  readonly bound: ControlPlaneConfig["ports"];
  /** Everything was listed once and is served. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface ControlPlaneParts {
  readonly connection: Connection;
  readonly log?: Logger;
}

/** What the servers share. `stops` undoes what was done, last first. */
interface Context {
  readonly config: ControlPlaneConfig;
  readonly client: KubeClient;
  readonly log: Logger;
  readonly stops: (() => unknown)[];
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
    const context = { config, client, log, stops };
    const pilot = pilotOf(context);
    const authority = await followAuthority({ client, log, trustDomain: pilot.store.mesh.trustDomain });
    stops.push(() => authority.dispose());
    const bound = await serve(context, pilot, authority);
    log.info({ bound }, "control plane listens");
    return { bound, ready: pilot.ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function pilotOf({ config, client, log, stops }: Context): Pilot {
  const pilot = startPilot({
    source: kubeSource({ client, rootNamespace: config.podNamespace, log }),
    store: {
      domain: config.domain,
      clusterId: config.clusterId,
      rootNamespace: config.podNamespace,
      sharedMeshConfig: config.sharedMeshConfig,
    },
    instance: `${config.podName}-${Date.now().toString(36)}`,
    log,
  });
  stops.push(() => pilot.stop());
  return pilot;
}

/** Starts every server and, once they are there, tells the cluster about the root they are trusted by. */
async function serve(context: Context, pilot: Pilot, authority: LiveAuthority): Promise<ControlPlaneConfig["ports"]> {
  const { config, client, log, stops } = context;
  const { host, ports } = config;
  const trustDomains = (): readonly string[] => trustDomainsOf(pilot.store.mesh);
  const authenticate = authenticator(trustDomains, tokenReviewer(client));
  const nodeProxies = [{ namespace: config.podNamespace, serviceAccount: "ztunnel" }];
  const isNodeProxy = (identity: Identity): boolean => nodeProxies.some((account) => sameAccount(account, identity));
  const authorizeImpersonation = nodeAuthorizer({
    trusted: nodeProxies,
    trustDomains,
    snapshot: () => pilot.distributor.snapshot,
  });
  const serving = new ServingCertificate(authority);
  stops.push(() => serving.dispose());
  const grpc = await startGrpcServer({
    // Here nobody is asked who they are, so it is for callers from inside the pod alone: kubectl port-forward.
    address: `127.0.0.1:${ports.grpc}`,
    credentials: ServerCredentials.createInsecure(),
    services: [{ definition: adsDefinition, implementation: pilot.service() }],
  });
  stops.push(() => grpc.stop());
  const secureGrpc = await startGrpcServer({
    address: `${host}:${ports.secureGrpc}`,
    credentials: serving.grpcCredentials(),
    services: [
      {
        definition: adsDefinition,
        implementation: pilot.service({ authenticate, mayReadSecrets: secretReader(client), isNodeProxy }),
      },
      caService({
        authority,
        authenticate,
        authorizeImpersonation,
        // Before the mesh's configuration was read, certificates would be of the wrong domain.
        trustDomains: () => pilot.ready.then(trustDomains),
        log,
      }),
    ],
  });
  stops.push(() => secureGrpc.stop());
  const debug = await startDebugServer(pilot, {
    host,
    port: ports.debug,
    onRefused: (path, from) => log.warn({ path, from }, "refused a caller from outside of the pod"),
  });
  stops.push(() => debug.stop());
  const monitoring = await startMonitoringServer(pilot, { host, port: ports.monitoring });
  stops.push(() => monitoring.stop());
  const settings = await injectionSettings(context, pilot);
  const reviews = webhookReviews(context, settings);
  const webhook = await startWebhookServer({
    host,
    port: ports.webhook,
    certificate: serving,
    reviews,
    isReady: pilot.isReady,
    log,
  });
  stops.push(() => webhook.stop());
  const gateways = runGatewayController({
    client,
    namespace: config.podNamespace,
    identity: config.podName,
    domain: config.domain,
    settings,
    snapshot: () => pilot.distributor.snapshot,
    log,
  });
  stops.push(() => gateways.stop());
  stops.push(pilot.onPublish(() => gateways.notify()));
  stops.push(distributeFiles({ client, authority, log }), maintainWebhooks({ client, authority, log }));
  return {
    grpc: grpc.port,
    secureGrpc: secureGrpc.port,
    debug: debug.port,
    monitoring: monitoring.port,
    webhook: webhook.port,
  };
}

async function injectionSettings({ config, client }: Context, pilot: Pilot): Promise<() => InjectionSettings> {
  const version = await client.http.json<{ readonly major: string; readonly minor: string }>({
    method: "GET",
    path: "/version",
  });
  const nativeSidecars = supportsNativeSidecars(version);
  return () => {
    const { trustDomain, defaultConfig, enablePrometheusMerge } = pilot.store.mesh;
    return {
      ...defaultSettings,
      image: config.meshImage,
      clusterId: config.clusterId,
      clusterDomain: config.domain,
      revision: config.revision,
      trustDomain,
      meshId: trustDomain,
      proxyConfig: defaultConfig,
      mergePrometheus: enablePrometheusMerge,
      nativeSidecars,
    };
  };
}

function webhookReviews({ log }: Context, settings: () => InjectionSettings): Readonly<Record<string, Review>> {
  return {
    "/inject": (request) => reviewInjection(request, { settings, log }),
    "/validate": (request) => reviewConfiguration(request, { log }),
  };
}
