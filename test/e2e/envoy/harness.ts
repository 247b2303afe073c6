import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ServerCredentials } from "@grpc/grpc-js";
import pino from "pino";
import { type Pilot, startPilot } from "#mesh/control-plane/pilot.ts";
import { adsDefinition } from "#mesh/control-plane/serve/ads-service.ts";
import { identityOf } from "#mesh/control-plane/serve/authenticate.ts";
import { type BoundGrpcServer, startGrpcServer } from "#mesh/control-plane/serve/grpc-server.ts";
import { bootstrap } from "./bootstrap.ts";
import { envoyBinary } from "./install.ts";
import { addresses, gatewayLabels, MemorySource, shopObjects } from "./mesh-objects.ts";
import { NetworkNamespace } from "./namespace.ts";
import { secretService, TestAuthority } from "./secrets.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** Redirects what the application sends to cluster addresses, and what reaches the storefront from anyone but its own proxy. */
const setup = [
  ...[addresses.storefront, addresses.cartV1, addresses.cartV2].map((address) => `ip addr add ${address}/32 dev lo`),
  "ip route add 10.96.0.0/16 dev lo",
  "iptables -t nat -A OUTPUT -p tcp -d 10.96.0.0/16 -j REDIRECT --to-ports 15001",
  `iptables -t nat -A OUTPUT -p tcp ! -s 127.0.0.6 -d ${addresses.storefront} --dport 8080 -j REDIRECT --to-ports 15006`,
];

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Our discovery with two real Envoys, a gateway and a sidecar, and the applications behind them, in a network of their own. */
export class EnvoyHarness {
  readonly source = new MemorySource(shopObjects);
  readonly pilot: Pilot;
  readonly #folder = mkdtempSync(join(tmpdir(), "slipway-envoy-"));
  readonly #logFile = join(this.#folder, "log");
  readonly #servers: BoundGrpcServer[] = [];
  #namespace: NetworkNamespace | undefined;

  constructor() {
    this.pilot = startPilot({ source: this.source, instance: "test", log: pino({ level: "silent" }) });
  }

  async start(protocol: "GRPC" | "DELTA_GRPC"): Promise<void> {
    await this.pilot.ready;
    const namespace = await NetworkNamespace.create(setup);
    this.#namespace = namespace;
    const backends = [
      `${addresses.storefront}:8080=storefront`,
      `${addresses.cartV1}:8080=v1`,
      `${addresses.cartV2}:8080=v2`,
    ];
    namespace.start([process.execPath, join(here, "backend.mjs"), ...backends], this.#logFile);
    const authority = new TestAuthority(this.#folder);
    await this.#startEnvoy("router~10.244.0.10~gateway-1.istio-system~istio-system.svc.cluster.local", {
      protocol,
      labels: gatewayLabels,
      identity: "spiffe://cluster.local/ns/istio-system/sa/gateway",
      authority,
    });
    await this.#startEnvoy(`sidecar~${addresses.storefront}~storefront-1.shop~shop.svc.cluster.local`, {
      protocol,
      labels: { app: "storefront", version: "v1" },
      identity: "spiffe://cluster.local/ns/shop/sa/storefront",
      authority,
    });
    await this.settled(2);
  }

  async #startEnvoy(
    nodeId: string,
    options: {
      protocol: "GRPC" | "DELTA_GRPC";
      labels: Readonly<Record<string, string>>;
      identity: string;
      authority: TestAuthority;
    },
  ): Promise<void> {
    const name = nodeId.slice(0, nodeId.indexOf("~"));
    const path = (kind: string): string => join(this.#folder, `${name}-${kind}`);
    await this.#serve(path("secrets"), [secretService(options.authority, options.identity)]);
    const identity = identityOf(options.identity, ["cluster.local"]);
    const discovery = this.pilot.service({ authenticate: async () => identity, mayReadSecrets: async () => true });
    await this.#serve(path("discovery"), [{ definition: adsDefinition, implementation: discovery }]);
    const { protocol, labels } = options;
    const config = bootstrap({
      nodeId,
      labels,
      protocol,
      discovery: path("discovery"),
      secrets: path("secrets"),
      admin: path("admin"),
    });
    writeFileSync(path("bootstrap.json"), JSON.stringify(config));
    const flags = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"];
    this.#namespace?.start([envoyBinary(), "-c", path("bootstrap.json"), ...flags], this.#logFile);
  }

  async #serve(path: string, services: Parameters<typeof startGrpcServer>[0]["services"]): Promise<void> {
    const credentials = ServerCredentials.createInsecure();
    this.#servers.push(await startGrpcServer({ address: `unix:${path}`, credentials, services }));
  }

  /** What the Envoys printed: warnings and access log. */
  get log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  /** Waits until so many proxies have taken over the current snapshot, or refused it. */
  async settled(proxies: number): Promise<void> {
    const { distributor } = this.pilot;
    for (let tries = 0; tries < 600; tries++) {
      const done = [...distributor.sessions].filter(
        (one) => one.ackedGeneration === distributor.snapshot?.generation || one.rejections.length > 0,
      );
      if (done.length === proxies && (await this.#live())) return;
      await delay(50);
    }
    throw new Error(`proxies did not settle:\n${this.log.slice(-4000)}`);
  }

  /** An acknowledgement comes before a listener is warm: it may still wait for certificates. */
  async #live(): Promise<boolean> {
    const states = await Promise.all(
      ["router", "sidecar"].map((name) => this.admin(name, "/server_info").catch(() => "")),
    );
    const warm = await Promise.all(
      ["router", "sidecar"].map((name) =>
        this.admin(name, "/stats?filter=warming|total_listeners_active").catch(() => ""),
      ),
    );
    return (
      states.every((text) => text.includes('"state": "LIVE"')) &&
      warm.every((text) => [...text.matchAll(/warming[^:]*: (\d+)/g)].every((match) => match[1] === "0"))
    );
  }

  /** What Envoy's admin interface says. */
  admin(name: string, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: join(this.#folder, `${name}-admin`), path }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve(body));
      });
      call.on("error", reject);
      call.end();
    });
  }

  /** Starts another program in the network, at an address of its own. */
  startInside(address: string, command: readonly string[]): void {
    this.#namespace?.run(["ip", "addr", "add", `${address}/32`, "dev", "lo"]);
    this.#namespace?.start(command, this.#logFile);
  }

  /** Sends requests from inside the network, one after the other. */
  send(count: number, url: string, ...headers: readonly string[]): readonly Answer[] {
    const command = [process.execPath, join(here, "client.mjs"), String(count), url, ...headers];
    return JSON.parse(this.#namespace?.run(command) ?? "[]") as readonly Answer[];
  }

  /** Sends texts (a JSON list) to a port as they are; what came back for each. */
  raw(port: number, input: string): readonly string[] {
    const command = [process.execPath, join(here, "raw.mjs"), String(port)];
    return JSON.parse(this.#namespace?.run(command, input) ?? "[]") as readonly string[];
  }

  /** Makes calls over TLS (a JSON list) to a port; what came back for each. */
  overTls(port: number, input: string): readonly string[] {
    const command = [process.execPath, join(here, "tls-client.mjs"), String(port)];
    return JSON.parse(this.#namespace?.run(command, input) ?? "[]") as readonly string[];
  }

  async stop(): Promise<void> {
    await this.#namespace?.close();
    this.pilot.stop();
    for (const server of this.#servers) server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
