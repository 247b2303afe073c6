import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IPod } from "kubernetes-models/v1/Pod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { applyManifest } from "#kube/apply.ts";
import { KubeClient } from "#kube/client.ts";
import { Discovery } from "#kube/discovery.ts";
import { podExec } from "#kube/exec.ts";
import { readText } from "#kube/http.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { podLogs } from "#kube/logs.ts";
import { parseManifest } from "#kube/manifest.ts";
import { podProxy } from "#kube/pod-proxy.ts";
import { portForward } from "#kube/port-forward.ts";
import { resources } from "#kube/resource.ts";
import { whenAvailable } from "#kube/wait.ts";
import type { ProviderContext, RunningCluster } from "../provider.ts";
import { TEST_IMAGE, writeTestImage } from "./node/fixtures/test-cluster.ts";
import { embeddedProvider } from "./provider.ts";

const entry = join(dirname(fileURLToPath(import.meta.url)), "main.ts");
const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: shop}
spec:
  selector: {app: echo}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
        - name: echo
          image: ${TEST_IMAGE}
          env: [{name: ANSWER, value: hello}]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
`;

let folder: string;
let cluster: RunningCluster;
let client: KubeClient;

const context = (signal = new AbortController().signal): ProviderContext => ({
  signal,
  detail: () => {},
  log: () => {},
});
const provider = (name = "state") =>
  embeddedProvider({ name: "test", stateFolder: join(folder, name), imagesFolder: join(folder, "images"), entry });
const connect = (): KubeClient => new KubeClient(kubeconfigConnection(cluster.kubeconfig));

async function apply(yaml: string): Promise<Awaited<ReturnType<typeof applyManifest>>> {
  const { objects } = parseManifest(yaml);
  return applyManifest(objects, { client, discovery: new Discovery(client), fieldManager: "test" });
}

async function somePod(): Promise<string> {
  const { items } = await client.list<IPod & KubeObject>(resources.pods, {
    namespace: "shop",
    labelSelector: "app=echo",
  });
  return items[0]?.metadata.name ?? "";
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-cluster-"));
  await writeTestImage(join(folder, "images", "tools"));
  cluster = await provider().start(context());
  client = connect();
  expect((await apply(manifest)).problems).toEqual([]);
  await whenAvailable(client, "shop", { signal: AbortSignal.timeout(20_000) });
}, 30_000);

afterAll(async () => {
  client?.close();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

describe("a running cluster", () => {
  test("keeps its secrets to the user", async () => {
    expect((await stat(join(folder, "state"))).mode & 0o777).toBe(0o700);
    expect((await stat(cluster.kubeconfig)).mode & 0o777).toBe(0o600);
    expect((await cluster.usage()).memoryBytes).toBeGreaterThan(10e6);
  });

  test("pods find a Service by its name", async () => {
    const script = "fetch('http://echo.shop').then((r) => r.text()).then(console.log)";
    const process = await podExec(client, {
      namespace: "shop",
      pod: await somePod(),
      container: "echo",
      command: ["node", "-e", script],
      stdin: false,
      tty: false,
    });
    let output = "";
    process.onOutput((_, data) => {
      output += data.toString();
    });
    expect(await process.ended).toBe(0);
    expect(output).toBe("hello\n");
  });

  test("logs, the pod proxy and port forwarding reach a pod", async () => {
    const pod = await somePod();
    const lines: string[] = [];
    const query = { namespace: "shop", pod, follow: false, signal: new AbortController().signal };
    for await (const line of podLogs(client, query)) lines.push(line);
    expect(lines).toEqual(["listening"]);
    const answer = await podProxy(client, { namespace: "shop", pod, port: 8080 }, { method: "GET", path: "/" });
    expect([answer.statusCode, await readText(answer)]).toEqual([200, "hello"]);
    const forward = await portForward(client, () => ({ namespace: "shop", pod, port: 8080 }));
    const response = await fetch(`http://127.0.0.1:${forward.port}/`, { headers: { connection: "close" } });
    expect(await response.text()).toBe("hello");
    await forward.close();
  });

  test("a manifest that is applied again changes nothing, and one that is wrong says where", async () => {
    expect((await apply(manifest)).applied.map(({ action }) => action)).toEqual([
      "unchanged",
      "unchanged",
      "unchanged",
    ]);
    const { problems } = await apply("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not_A_Name\n");
    expect(problems).toMatchObject([{ code: "MANIFEST_REJECTED", field: "metadata.name", line: 4 }]);
  });

  test("a second start on the same state is told so", async () => {
    await expect(provider().start(context())).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    expect(await client.get(resources.namespaces, { name: "shop" })).toBeDefined();
  });
});

describe("the end of a cluster", () => {
  test("a restart keeps objects, address and certificates, and brings the pods back", async () => {
    const before = await readFile(cluster.kubeconfig, "utf8");
    client.close();
    await cluster.stop();
    cluster = await provider().start(context());
    expect(await readFile(cluster.kubeconfig, "utf8")).toBe(before);
    client = connect();
    await whenAvailable(client, "shop", { signal: AbortSignal.timeout(20_000) });
    const deployment = await client.get<IDeployment & KubeObject>(resources.deployments, {
      namespace: "shop",
      name: "echo",
    });
    expect(deployment?.status?.readyReplicas).toBe(2);
  });

  test("an aborted start leaves nothing running", async () => {
    const abort = new AbortController();
    const start = provider("aborted").start({ ...context(abort.signal), detail: () => abort.abort() });
    await expect(start).rejects.toMatchObject({ name: "AbortError" });
    // Whatever still ran would hold the lock.
    const again = await provider("aborted").start(context());
    await again.stop();
  });

  test("a damaged state says so and what to do", async () => {
    const damaged = await provider("damaged").start(context());
    await damaged.stop();
    await writeFile(join(folder, "damaged", "api", "store", "objects.mdb"), "this is no database".repeat(1000));
    await expect(provider("damaged").start(context())).rejects.toMatchObject({
      code: "STATE_CORRUPT",
      hint: expect.stringMatching(/\S/),
    });
  });
});
