import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { buildProxy, type RunningProxy } from "../../app.ts";
import { readConfig } from "../../config.ts";
import { ConfigError, type DataPlane, type DataPlaneOptions, type ResourceUpdate } from "../../data-plane.ts";
import { Log } from "../log.ts";
import { type FakeControlPlane, serverName, startFakeControlPlane } from "./fake-control-plane.ts";

/** Notes what it is given; refuses clusters called "bad". */
export class FakeDataPlane implements DataPlane {
  readonly updates: string[] = [];
  options: DataPlaneOptions | undefined;

  apply(update: ResourceUpdate): void {
    const bad = update.changed.filter(({ name }) => name === "bad");
    if (bad.length > 0) throw new ConfigError(new Map([["bad", "no such thing"]]));
    this.updates.push(
      `${update.type}: ${[...update.changed.map(({ name }) => name), ...update.removed.map((name) => `-${name}`)].join(" ")}`,
    );
  }
  sendAway(): void {}
  drain(): Promise<void> {
    this.updates.push("drain");
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  clusterStatus() {
    return [
      {
        name: "outbound|80||cart.shop.svc.cluster.local",
        endpoints: [],
        circuitBreakers: { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3 },
      },
    ];
  }
  listenerStatus() {
    return [{ name: "virtualOutbound", address: "0.0.0.0:15001", connections: 0 }];
  }
}

export interface Started {
  readonly proxy: RunningProxy;
  readonly dataPlane: FakeDataPlane;
  readonly plane: FakeControlPlane;
  readonly output: () => string;
}

/** Boots a proxy whole, with a fake control plane and data plane, on ports of its own. */
export async function startProxy(cleanups: (() => unknown)[], env: Record<string, string> = {}): Promise<Started> {
  const plane = await startFakeControlPlane();
  cleanups.push(() => plane.close());
  const root = mkdtempSync(join(tmpdir(), "slipway-proxy-"));
  cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ["var/run/secrets/tokens", "var/run/secrets/istio", "etc/istio/pod"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "var/run/secrets/tokens/istio-token"), "the-token\n");
  writeFileSync(join(root, "var/run/secrets/istio/root-cert.pem"), plane.rootCertificate);
  writeFileSync(join(root, "etc/istio/pod/labels"), 'app="storefront"\nversion="v1"\n');
  const config = readConfig({
    args: ["sidecar", "--domain", "shop.svc.cluster.local", "--log_output_level=default:info"],
    env: {
      POD_NAME: "storefront-7d9f6c5b4d-abcde",
      POD_NAMESPACE: "shop",
      INSTANCE_IP: "127.0.0.1",
      SERVICE_ACCOUNT: "storefront",
      PROXY_CONFIG: JSON.stringify({
        discoveryAddress: `127.0.0.1:${plane.port}`,
        terminationDrainDuration: "10ms",
        proxyAdminPort: 0,
        statusPort: 0,
      }),
      CA_ADDR: `127.0.0.1:${plane.port}`,
      ISTIOD_SAN: serverName,
      ENVOY_STATUS_PORT: "0",
      ENVOY_PROMETHEUS_PORT: "0",
      ...env,
    },
    root,
  });
  const dataPlane = new FakeDataPlane();
  let written = "";
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written += chunk.toString();
      done();
    },
  });
  const proxy = await buildProxy(config, {
    createDataPlane: (options) => {
      dataPlane.options = options;
      return dataPlane;
    },
    output,
    log: new Log("info", () => {}),
  });
  let stopped = false;
  cleanups.push(async () => {
    if (!stopped) await proxy.stop();
    stopped = true;
  });
  return { proxy, dataPlane, plane, output: () => written };
}
