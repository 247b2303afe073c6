import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:tls";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { XdsClient } from "#mesh/lib/xds/client.ts";
import { clusterType, listenerType } from "#mesh/lib/xds/envoy-types.ts";
import { buildControlPlane } from "./app.ts";
import { createRoot } from "./ca/authority.ts";
import { readConfig } from "./config.ts";
import { FakeApiServer } from "./testing/fake-api-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const anywhere = { grpc: 0, secureGrpc: 0, debug: 0, monitoring: 0, webhook: 0 };

async function boot() {
  const api = new FakeApiServer();
  const connection = await api.start();
  cleanups.push(() => api.stop());
  api.put("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  const config = { ...readConfig(["discovery"], {}), host: "127.0.0.1", ports: anywhere };
  const controlPlane = await buildControlPlane(config, { connection, log: pino({ level: "silent" }) });
  cleanups.push(() => controlPlane.stop());
  await controlPlane.ready;
  return { api, bound: controlPlane.bound };
}

const rootOf = async (api: FakeApiServer): Promise<string> => {
  const find = (): string | undefined =>
    (
      api.get("configmaps", "shop", "istio-ca-root-cert") as
        | (KubeObject & { data?: Record<string, string> })
        | undefined
    )?.data?.["root-cert.pem"];
  await expect.poll(find).toBeDefined();
  return find() ?? "";
};

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "cart", namespace: "shop" },
  spec: { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 80 }] },
};

describe("the control plane", () => {
  it("serves a proxy with a token over TLS, and brings it what changes in the cluster", async () => {
    const { api, bound } = await boot();
    const root = Buffer.from(await rootOf(api));
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer shop/cart");
    const client = new XdsClient({
      protocol: "delta",
      node: Node.fromPartial({ id: "sidecar~10.244.0.5~cart-1.shop~shop.svc.cluster.local" }),
      connect: async () => ({
        client: new Client(`127.0.0.1:${bound.secureGrpc}`, credentials.createSsl(root), {
          "grpc.ssl_target_name_override": "istiod.istio-system.svc",
        }),
        metadata,
      }),
      log: { info: () => {}, warn: () => {} },
    });
    const clusters = client.subscribe(clusterType, undefined, () => {});
    client.subscribe(listenerType, undefined, () => {});
    client.start();
    cleanups.push(() => client.close());
    await expect.poll(() => [...clusters.resources.keys()]).toContain("PassthroughCluster");
    api.put("services", service);
    await expect.poll(() => [...clusters.resources.keys()]).toContain("outbound|80||cart.shop.svc.cluster.local");
  });

  it("gives pods their proxy through the webhook", async () => {
    const { api, bound } = await boot();
    const ca = await rootOf(api);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a" },
      spec: { containers: [{ name: "a", image: "a" }] },
    };
    const review = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "1",
        kind: { group: "", version: "v1", kind: "Pod" },
        operation: "CREATE",
        namespace: "shop",
        object: pod,
      },
    };
    const body = await new Promise<string>((resolve, reject) => {
      const servername = "istiod.istio-system.svc";
      const call = request({ port: bound.webhook, path: "/inject", method: "POST", ca, servername }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on("end", () => resolve(text));
      });
      call.on("error", reject);
      call.end(JSON.stringify(review));
    });
    const { response } = JSON.parse(body) as { response: { allowed: boolean; patch?: string } };
    expect(response.allowed).toBe(true);
    expect(Buffer.from(response.patch ?? "", "base64").toString()).toContain("istio-proxy");
  });

  it("takes a CA that is plugged in while it runs, and keeps the former when it cannot be used", async () => {
    const { api, bound } = await boot();
    const former = await rootOf(api);
    const { certificate, key } = createRoot("plugged in");
    const plug = (changes: Readonly<Record<string, string>> = {}): void => {
      const files = {
        "ca-cert.pem": certificate,
        "ca-key.pem": key,
        "root-cert.pem": certificate + former,
        ...changes,
      };
      const data = Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")]);
      const metadata = { name: "cacerts", namespace: "istio-system" };
      api.put("secrets", { apiVersion: "v1", kind: "Secret", metadata, data: Object.fromEntries(data) } as KubeObject);
    };
    plug();
    await expect.poll(() => rootOf(api)).toBe(certificate + former);
    const issuer = async (): Promise<string | undefined> => {
      const socket = connect({ port: bound.secureGrpc, ca: certificate, servername: "istiod.istio-system.svc" });
      await once(socket, "secureConnect");
      const { issuer: name } = socket.getPeerX509Certificate() ?? {};
      socket.destroy();
      return name;
    };
    await expect.poll(issuer).toBe("O=plugged in");
    plug({ "ca-key.pem": "nonsense", "root-cert.pem": certificate });
    plug({ "root-cert.pem": certificate });
    await expect.poll(() => rootOf(api)).toBe(certificate);
  });

  it("is ready, says so, and refuses a port that is taken", async () => {
    const { api, bound } = await boot();
    expect((await fetch(`http://127.0.0.1:${bound.debug}/ready`)).status).toBe(200);
    const config = { ...readConfig(["discovery"], {}), host: "127.0.0.1", ports: { ...anywhere, debug: bound.debug } };
    const second = new FakeApiServer();
    const connection = await second.start();
    cleanups.push(() => second.stop());
    await expect(buildControlPlane(config, { connection, log: pino({ level: "silent" }) })).rejects.toThrow(
      /EADDRINUSE/,
    );
    expect(api.get("secrets", "istio-system", "istio-ca-secret")).toBeDefined();
  });
});

describe("configuration", () => {
  it("reads flags and environment as pilot-discovery does", () => {
    const config = readConfig(["discovery", "--monitoringAddr=:1", "--domain", "example.com"], {
      POD_NAMESPACE: "mesh",
    });
    expect(config).toMatchObject({
      domain: "example.com",
      podNamespace: "mesh",
      ports: { monitoring: 1, secureGrpc: 15012 },
    });
  });

  it.each([
    [["serve"], /unknown command/],
    [["discovery", "--httpAddr", "nonsense"], /no address/],
    [["discovery", "--nope"], /nope/],
  ])("refuses %j", (args, message) => {
    expect(() => readConfig(args, {})).toThrow(message);
  });
});
