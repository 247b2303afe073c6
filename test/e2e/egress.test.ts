import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Slipway } from "./support/slipway.ts";

const manifests = join(import.meta.dirname, "../../lab-scenarios/egress/manifests");
let slipway: Slipway;

beforeAll(async () => {
  slipway = await Slipway.create();
  await slipway.must(["up"]);
  await slipway.kubectl(
    "apply",
    ...["partner", "egress-gateway"].flatMap((name) => ["-f", join(manifests, `${name}.yaml`)]),
  );
  await Promise.all(
    [
      ["example", "partner"],
      ["istio-egress", "istio-egressgateway"],
    ].map(([namespace, name]) =>
      slipway.kubectl("-n", namespace!, "wait", "--for=condition=Available", `deployment/${name}`, "--timeout=60s"),
    ),
  );
});
afterAll(() => slipway.dispose());

/** What the storefront's own program gets: a status or, without an answer, the error's name. */
async function call(url: string): Promise<string> {
  const client = ["tools", "client", "-k", "--tally", url];
  const tally = await slipway.kubectl("-n", "shop", "exec", "deploy/storefront", "-c", "storefront", "--", ...client);
  return Object.keys(JSON.parse(tally) as Record<string, number>).join(" ");
}

const apply = async (yaml: string): Promise<void> => {
  const file = join(slipway.state, "egress.yaml");
  await writeFile(file, yaml);
  await slipway.kubectl("apply", "-f", file);
};

const entry = (fields: string, port: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: shop }
spec:
  hosts: [partner.example]
  ports: [{ ${port} }]
  ${fields}
`;
const plain = "number: 80, name: http, protocol: HTTP";
const tls = "number: 443, name: tls, protocol: TLS";

/** Which calls the partner saw last: from whom, and whether over TLS. */
async function lastCall(): Promise<string> {
  const log = await slipway.kubectl("-n", "example", "logs", "deploy/partner", "--tail=1");
  return log.trim();
}

const addressOf = (namespace: string, selector: string): Promise<string> =>
  slipway.kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "jsonpath={.items[0].status.podIP}");

test("only what is known is let out, and what is refused is counted as BlackHoleCluster", async () => {
  expect(await call("https://partner.example/accounts")).toBe("200");
  await apply(await readFile(join(manifests, "registry-only.yaml"), "utf8"));
  await expect.poll(() => call("https://partner.example/accounts"), { timeout: 20_000 }).not.toBe("200");
  expect(await call("http://partner.example/offers")).toBe("502");
  const metrics = await slipway.kubectl(
    ...["-n", "shop", "exec", "deploy/storefront", "-c", "istio-proxy", "--"],
    ...["pilot-agent", "request", "GET", "/stats/prometheus?filter=istio_"],
  );
  for (const name of ["istio_requests_total", "istio_tcp_connections_opened_total"])
    expect(metrics).toMatch(new RegExp(`^${name}{.*destination_service_name="BlackHoleCluster"`, "m"));
  expect(metrics).toMatch(/destination_service_name="PassthroughCluster"/);
});

test("a ServiceEntry of each resolution leads to the partner", async () => {
  const address = await slipway.kubectl(
    "-n",
    "example",
    "get",
    "service",
    "partner",
    "-o",
    "jsonpath={.spec.clusterIP}",
  );
  for (const fields of [
    "resolution: DNS",
    "resolution: NONE",
    `resolution: STATIC\n  endpoints: [{ address: ${address} }]`,
  ]) {
    await slipway.kubectl("-n", "shop", "delete", "serviceentry", "partner", "--ignore-not-found");
    await expect.poll(() => call("http://partner.example/offers"), { timeout: 20_000 }).toBe("502");
    await apply(entry(fields, plain));
    await expect.poll(() => call("http://partner.example/offers"), { timeout: 20_000 }).toBe("200");
  }
});

test("TLS of the program's own goes through the egress gateway untouched, by its server name", async () => {
  await apply(`${entry("resolution: DNS", tls)}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: egress, namespace: shop }
spec:
  selector: { istio: egressgateway }
  servers:
    - { port: { number: 443, name: tls, protocol: TLS }, hosts: [partner.example], tls: { mode: PASSTHROUGH } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: partner, namespace: shop }
spec:
  hosts: [partner.example]
  gateways: [mesh, egress]
  tls:
    - match: [{ gateways: [mesh], port: 443, sniHosts: [partner.example] }]
      route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 443 } } }]
    - match: [{ gateways: [egress], port: 443, sniHosts: [partner.example] }]
      route: [{ destination: { host: partner.example, port: { number: 443 } } }]
`);
  const gateway = await addressOf("istio-egress", "istio=egressgateway");
  await expect
    .poll(async () => `${await call("https://partner.example/accounts")} ${await lastCall()}`, { timeout: 20_000 })
    .toMatch(new RegExp(`^200 .*${gateway.replaceAll(".", "\\.")} called /accounts over TLS as partner\\.example$`));
});
