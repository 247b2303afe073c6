import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:tls";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { IstioCertificateRequest, type IstioCertificateResponse } from "#gen/istio/istio/v1/ca.ts";
import { KubeError } from "#kube/status-error.ts";
import { authenticator } from "../serve/authenticate.ts";
import { type BoundGrpcServer, startGrpcServer } from "../serve/grpc-server.ts";
import { Authority, createRoot } from "./authority.ts";
import { loadAuthority } from "./load.ts";
import { caDefinition, caService } from "./service.ts";
import { ServingCertificate } from "./serving.ts";
import { fixedAuthority } from "./testing/fixed-authority.ts";
import { makeRequest } from "./testing/make-request.ts";
import { tokenReviewer } from "./token-review.ts";

const ID = "spiffe://cluster.local/ns/shop/sa/cart";
const log = { info: () => {}, warn: () => {} };
const reviewToken = async (token: string) => {
  if (token === "broken") throw new Error("the API server is away");
  return token === "cart" ? { namespace: "shop", serviceAccount: "cart" } : undefined;
};
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function start(): Promise<{
  readonly server: BoundGrpcServer;
  readonly authority: Authority;
  readonly serving: ServingCertificate;
}> {
  const authority = new Authority(createRoot("cluster.local"));
  const live = fixedAuthority(authority);
  const serving = new ServingCertificate(live);
  const server = await startGrpcServer({
    address: "127.0.0.1:0",
    credentials: serving.grpcCredentials(),
    services: [
      caService({
        authority: live,
        authenticate: authenticator(() => ["cluster.local"], reviewToken),
        authorizeImpersonation: (caller, wanted) =>
          caller.serviceAccount === "cart" && wanted === "spiffe://cluster.local/ns/shop/sa/ledger"
            ? { allowed: true, identity: { namespace: "shop", serviceAccount: "ledger" } }
            : { allowed: false, reason: "not on this node" },
        trustDomains: async () => ["cluster.local", "old.example"],
        log,
      }),
    ],
  });
  cleanups.push(
    () => server.stop(),
    () => serving.dispose(),
  );
  return { server, authority, serving };
}

interface Call {
  readonly port: number;
  readonly root: string;
  readonly token?: string;
  readonly csr: string;
  readonly seconds?: number;
  readonly impersonate?: string;
  readonly client?: { readonly key: string; readonly cert: string };
}

async function create({
  port,
  root,
  token,
  csr,
  seconds = 0,
  impersonate,
  client: own,
}: Call): Promise<readonly string[]> {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const channel = credentials.createSsl(Buffer.from(root), pem(own?.key), pem(own?.cert));
  const client = new Client(`127.0.0.1:${port}`, channel, {
    "grpc.ssl_target_name_override": "istiod.istio-system.svc",
  });
  cleanups.push(() => client.close());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const method = caDefinition.createCertificate;
  const response = await new Promise<IstioCertificateResponse | undefined>((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      IstioCertificateRequest.fromPartial({
        csr,
        validityDuration: seconds,
        ...(impersonate !== undefined && { metadata: { ImpersonatedIdentity: impersonate } }),
      }),
      metadata,
      { deadline: Date.now() + 10_000 },
      (error: ServiceError | null, value) => (error === null ? resolve(value) : reject(error)),
    );
  });
  return response?.certChain ?? [];
}

const request = (value = ID) => makeRequest({ names: [[6, value]] });

describe("the certificate service", () => {
  test("gives a workload that asks for its name in an alias of the trust domain the one in the domain of today", async () => {
    const { server, authority } = await start();
    const call = { port: server.port, root: authority.root, token: "cart" };
    const [leaf = ""] = await create({ ...call, csr: request(ID.replace("cluster.local", "old.example")).csr });
    expect(new X509Certificate(leaf).subjectAltName).toBe(`URI:${ID}`);
    const stranger = create({ ...call, csr: request(ID.replace("cluster.local", "strange.example")).csr });
    await expect(stranger).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  test("signs for a token, and again for the certificate that came of it", async () => {
    const { server, authority } = await start();
    const first = request();
    const chain = await create({ port: server.port, root: authority.root, token: "cart", csr: first.csr });
    expect(new X509Certificate(chain[0]!).subjectAltName).toBe(`URI:${ID}`);
    expect(chain.at(-1)).toBe(authority.root);
    const client = { key: first.key, cert: chain[0]! };
    const again = await create({ port: server.port, root: authority.root, csr: request().csr, client });
    expect(new X509Certificate(again[0]!).subjectAltName).toBe(`URI:${ID}`);
  });

  test("believes no certificate that another CA has signed", async () => {
    const { server, authority } = await start();
    const forged = new Authority(createRoot("cluster.local")).issueWithKey([{ kind: "uri", value: ID }], 3_600_000);
    const call = create({
      port: server.port,
      root: authority.root,
      csr: request().csr,
      client: { key: forged.key, cert: forged.certificate },
    });
    await expect(call).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  test.each([
    ["no token", undefined, ID, status.UNAUTHENTICATED],
    ["a wrong token", "nobody", ID, status.UNAUTHENTICATED],
    ["a token that cannot be checked", "broken", ID, status.UNAVAILABLE],
    ["somebody else's name", "cart", "spiffe://cluster.local/ns/shop/sa/ledger", status.PERMISSION_DENIED],
  ])("refuses %s", async (_, token, name, code) => {
    const { server, authority } = await start();
    const { csr } = request(name);
    const call = create({ port: server.port, root: authority.root, csr, ...(token === undefined ? {} : { token }) });
    await expect(call).rejects.toMatchObject({ code });
  });

  test("signs for another identity where the authorizer lets the caller, and only for that one", async () => {
    const { server, authority } = await start();
    const ledger = "spiffe://cluster.local/ns/shop/sa/ledger";
    const call = { port: server.port, root: authority.root, token: "cart" };
    const chain = await create({ ...call, csr: request(ledger).csr, impersonate: ledger });
    expect(new X509Certificate(chain[0]!).subjectAltName).toBe(`URI:${ledger}`);
    const own = create({ ...call, csr: request().csr, impersonate: ledger });
    await expect(own).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    const elsewhere = create({ ...call, csr: request().csr, impersonate: "spiffe://cluster.local/ns/shop/sa/other" });
    await expect(elsewhere).rejects.toMatchObject({ code: status.PERMISSION_DENIED, details: "not on this node" });
  });

  test("refuses what is no request", async () => {
    const { server, authority } = await start();
    await expect(create({ port: server.port, root: authority.root, token: "cart", csr: "x" })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  test.each([
    ["a day, when asked for nothing", 0, 86_400],
    ["what was asked for", 600, 600],
    ["90 days at most", 1e9, 90 * 86_400],
  ])("lets a certificate live for %s", async (_, seconds, expected) => {
    const { server, authority } = await start();
    const before = Date.now();
    const [leaf] = await create({
      port: server.port,
      root: authority.root,
      token: "cart",
      csr: request().csr,
      seconds,
    });
    const lives = (new X509Certificate(leaf!).validToDate.getTime() - before) / 1000;
    expect(Math.abs(lives - expected)).toBeLessThan(10);
  });
});

describe("the control plane's own certificate", () => {
  test("is renewed while servers run", async () => {
    let now = Date.now();
    const timers: (() => void)[] = [];
    const clock = {
      now: () => now,
      after: (_: number, action: () => void) => {
        timers.push(action);
        return () => {};
      },
    };
    const authority = new Authority(createRoot("cluster.local"), () => now);
    const serving = new ServingCertificate(fixedAuthority(authority), clock);
    const https = createServer(serving.options, (socket) => socket.end());
    serving.onRenewed((options) => https.setSecureContext(options));
    https.listen(0, "127.0.0.1");
    await once(https, "listening");
    const address = https.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const grpc = await startGrpcServer({
      address: "127.0.0.1:0",
      credentials: serving.grpcCredentials(),
      services: [],
    });
    cleanups.push(
      () => https.close(),
      () => grpc.stop(),
      () => serving.dispose(),
    );
    const serials = async () => Promise.all([port, grpc.port].map((each) => serialAt(each, authority.root)));
    const [before, beforeGrpc] = await serials();
    expect(beforeGrpc).toBe(before);
    now += 60_000;
    timers.at(-1)?.();
    const [after, afterGrpc] = await serials();
    expect(after).not.toBe(before);
    expect(afterGrpc).toBe(after);
  });
});

async function serialAt(port: number, ca: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", ca, servername: "istiod.istio-system.svc", ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe("the CA's secret", () => {
  const store = () => {
    const objects = new Map<string, KubeObject>();
    return {
      objects,
      get: async (_: unknown, { name }: { name: string }) => structuredClone(objects.get(name)) as never,
      create: async (_: unknown, object: KubeObject) => {
        const name = object.metadata.name ?? "";
        if (objects.has(name)) throw new KubeError(409, "AlreadyExists", `secrets "${name}" already exists`);
        objects.set(name, object);
        return object as never;
      },
    };
  };
  const options = { trustDomain: "cluster.local" };

  test("is made once, however many control planes start at the same time", async () => {
    const client = store();
    const loaded = await Promise.all([1, 2, 3].map(() => loadAuthority(client, options)));
    expect(new Set(loaded.map(({ authority }) => authority.root)).size).toBe(1);
    expect((await loadAuthority(client, options)).authority.root).toBe(loaded[0]!.authority.root);
  });

  test("gives way to one that was plugged in", async () => {
    const client = store();
    await loadAuthority(client, options);
    const { certificate, key } = createRoot("mine");
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const data = {
      "ca-cert.pem": base64(certificate),
      "ca-key.pem": base64(key),
      "root-cert.pem": base64(certificate),
      "cert-chain.pem": "",
    };
    client.objects.set("cacerts", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cacerts" },
      data,
    } as KubeObject);
    expect((await loadAuthority(client, options)).authority.root).toBe(certificate);
    client.objects.set("cacerts", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cacerts" },
      data: { ...data, "ca-key.pem": "" },
    } as KubeObject);
    await expect(loadAuthority(client, options)).rejects.toThrow("secret istio-system/cacerts holds no usable CA");
  });
});

test.each([
  [
    "a proxy's token",
    { authenticated: true, audiences: ["istio-ca"], user: { username: "system:serviceaccount:shop:cart" } },
    true,
  ],
  [
    "a token for others",
    { authenticated: true, audiences: ["api"], user: { username: "system:serviceaccount:shop:cart" } },
    false,
  ],
  ["a token that has ended", { authenticated: false, error: "expired" }, false],
  ["a person's token", { authenticated: true, audiences: ["istio-ca"], user: { username: "anna" } }, false],
])("%s", async (_, answer, proves) => {
  const review = tokenReviewer({ create: async (_type, object) => ({ ...object, status: answer }) as never });
  expect(await review("x")).toEqual(proves ? { namespace: "shop", serviceAccount: "cart" } : undefined);
});
