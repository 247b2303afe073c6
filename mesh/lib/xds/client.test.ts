import { Client, credentials, Metadata, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { Backoff } from "./backoff.ts";
import { XdsClient } from "./client.ts";
import { clusterType, endpointType, typeUrls } from "./envoy-types.ts";
import { RefusedError } from "./resource-type.ts";

const log = { info: () => {}, warn: () => {} };
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** A control plane of which the test holds the strings: what clients say is queued, what is said back is free. */
async function controlPlane<Request, Response>(method: string, request: Codec<Request>, response: Codec<Response>) {
  const server = new Server();
  const heard: Request[] = [];
  const waiting: ((message: Request) => void)[] = [];
  let current: ServerDuplexStream<Request, Response> | undefined;
  const definition = {
    stream: {
      path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
      requestStream: true,
      responseStream: true,
      requestSerialize: (message: Request) => Buffer.from(request.encode(message).finish()),
      requestDeserialize: (bytes: Buffer) => request.decode(bytes),
      responseSerialize: (message: Response) => Buffer.from(response.encode(message).finish()),
      responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    },
  };
  server.addService(definition, {
    stream: (call: ServerDuplexStream<Request, Response>) => {
      current = call;
      call.on("data", (message: Request) => {
        const next = waiting.shift();
        if (next === undefined) heard.push(message);
        else next(message);
      });
      call.on("error", () => {});
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  cleanups.push(() => server.forceShutdown());
  return {
    port,
    next: () => new Promise<Request>((resolve) => (heard.length > 0 ? resolve(heard.shift()!) : waiting.push(resolve))),
    say: (message: Response) => current?.write(message),
    hangUp: () => current?.end(),
  };
}

function client(port: number, protocol: "delta" | "state-of-the-world"): XdsClient {
  const xds = new XdsClient({
    protocol,
    node: {
      id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local",
      cluster: "a.b",
      metadata: {},
      dynamicParameters: {},
      userAgentName: "",
      extensions: [],
      clientFeatures: [],
      listeningAddresses: [],
    },
    connect: async () => ({
      client: new Client(`127.0.0.1:${port}`, credentials.createInsecure()),
      metadata: new Metadata(),
    }),
    log,
    backoff: new Backoff({ initialMs: 1, maximumMs: 1 }),
  });
  cleanups.push(() => xds.close());
  return xds;
}

const any = (name: string) => ({
  typeUrl: typeUrls.cluster,
  value: Buffer.from(Cluster.encode(Cluster.fromPartial({ name })).finish()),
});
const assignment = (clusterName: string) => ({
  typeUrl: typeUrls.endpoint,
  value: Buffer.from(ClusterLoadAssignment.encode(ClusterLoadAssignment.fromPartial({ clusterName })).finish()),
});

test("delta: asks for all, accepts, refuses with reasons, goes on where it was after a reconnect", async () => {
  const plane = await controlPlane("DeltaAggregatedResources", DeltaDiscoveryRequest, DeltaDiscoveryResponse);
  const xds = client(plane.port, "delta");
  const seen: string[] = [];
  const clusters = xds.subscribe(clusterType, undefined, ({ changed, removed }) => {
    if (changed.some(({ name }) => name === "bad")) throw new RefusedError(new Map([["bad", "is bad"]]));
    seen.push(...changed.map(({ name, version }) => `${name}@${version}`), ...removed.map((name) => `-${name}`));
  });
  xds.start();

  const first = await plane.next();
  expect({ id: first.node?.id, type: first.typeUrl, names: first.resourceNamesSubscribe }).toEqual({
    id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local",
    type: typeUrls.cluster,
    names: [],
  });
  const say = (nonce: string, names: readonly string[], removedResources: string[] = []) =>
    plane.say(
      DeltaDiscoveryResponse.fromPartial({
        typeUrl: typeUrls.cluster,
        nonce,
        systemVersionInfo: nonce,
        removedResources,
        resources: names.map((name) => ({ name, version: nonce, resource: any(name) })),
      }),
    );
  say("n1", ["a", "b"]);
  expect(await plane.next()).toMatchObject({ responseNonce: "n1", node: undefined });
  say("n2", ["bad", "c"]);
  expect(await plane.next()).toMatchObject({ responseNonce: "n2", errorDetail: { code: 3, message: "bad: is bad" } });
  say("n3", [], ["b"]);
  expect((await plane.next()).errorDetail).toBeUndefined();
  expect(seen).toEqual(["a@n1", "b@n1", "-b"]);
  expect([...clusters.resources.keys()]).toEqual(["a"]);
  expect(clusters.status()).toMatchObject({ accepted: 2, refused: 1, version: "n3" });

  plane.hangUp();
  expect(await plane.next()).toMatchObject({ initialResourceVersions: { a: "n1" } });
});

test("delta: names are asked for when they are known, and given back", async () => {
  const plane = await controlPlane("DeltaAggregatedResources", DeltaDiscoveryRequest, DeltaDiscoveryResponse);
  const xds = client(plane.port, "delta");
  xds.subscribe(clusterType, undefined, () => {});
  const endpoints = xds.subscribe(endpointType, new Set(), () => {});
  xds.start();
  await plane.next();
  endpoints.want(new Set(["a", "b"]));
  expect(await plane.next()).toMatchObject({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ["a", "b"] });
  endpoints.want(new Set(["b", "c"]));
  expect(await plane.next()).toMatchObject({ resourceNamesSubscribe: ["c"], resourceNamesUnsubscribe: ["a"] });
});

test("state of the world: passes on only what changed, and names the last good version when it refuses", async () => {
  const plane = await controlPlane("StreamAggregatedResources", DiscoveryRequest, DiscoveryResponse);
  const xds = client(plane.port, "state-of-the-world");
  const seen: string[] = [];
  xds.subscribe(clusterType, undefined, ({ changed, removed }) => {
    if (changed.some(({ name }) => name === "bad")) throw new RefusedError(new Map([["bad", "is bad"]]));
    seen.push(...changed.map(({ name }) => name), ...removed.map((name) => `-${name}`));
  });
  const endpoints = xds.subscribe(
    endpointType,
    new Set(["a"]),
    ({ changed }) => void seen.push(...changed.map(({ name }) => `eds ${name}`)),
  );
  xds.start();
  expect(await plane.next()).toMatchObject({ typeUrl: typeUrls.cluster, versionInfo: "" });
  expect(await plane.next()).toMatchObject({ typeUrl: typeUrls.endpoint, resourceNames: ["a"] });
  const say = (versionInfo: string, names: readonly string[]) =>
    plane.say(
      DiscoveryResponse.fromPartial({
        typeUrl: typeUrls.cluster,
        versionInfo,
        nonce: versionInfo,
        resources: names.map(any),
      }),
    );
  say("1", ["a", "b"]);
  expect(await plane.next()).toMatchObject({ versionInfo: "1", responseNonce: "1" });
  say("2", ["a", "c"]);
  await plane.next();
  say("3", ["bad"]);
  expect(await plane.next()).toMatchObject({
    versionInfo: "2",
    responseNonce: "3",
    errorDetail: { message: "bad: is bad" },
  });
  plane.say(
    DiscoveryResponse.fromPartial({
      typeUrl: typeUrls.endpoint,
      versionInfo: "1",
      nonce: "e",
      resources: [assignment("a")],
    }),
  );
  await plane.next();
  expect(seen).toEqual(["a", "b", "c", "-b", "eds a"]);
  expect([...endpoints.resources.keys()]).toEqual(["a"]);
});
