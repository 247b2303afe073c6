/**
 * The same traffic between two pods without a mesh, through sidecars and through the node's ztunnel: latency, throughput, new
 * connections, and what the proxies cost.
 *
 *   node test/bench/ambient/run.ts [--seconds 10]
 *
 * Needs a build (`npm run build`). Prints a Markdown table.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Slipway, tracesOf } from "../../e2e/support/slipway.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" } } });
const seconds = Number(values.seconds);
const image = "slipway/apps:0.1.0";
const client = readFileSync(join(import.meta.dirname, "client.js"), "utf8");
const server = readFileSync(join(import.meta.dirname, "server.js"), "utf8");

interface Way {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What its proxies' command lines have in them. */
  readonly proxies: string | undefined;
  /** Through a waypoint of the namespace. */
  readonly waypoint?: boolean;
}

const ways: readonly Way[] = [
  { name: "no mesh", namespace: "bench-plain", labels: {}, proxies: undefined },
  {
    name: "sidecars",
    namespace: "bench-sidecars",
    labels: { "istio-injection": "enabled" },
    proxies: "pilot-agent.js proxy sidecar",
  },
  {
    name: "ztunnel",
    namespace: "bench-ambient",
    labels: { "istio.io/dataplane-mode": "ambient" },
    proxies: "ztunnel.js proxy",
  },
  {
    name: "ztunnel and waypoint",
    namespace: "bench-waypoint",
    labels: { "istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "waypoint" },
    proxies: ".js proxy",
    waypoint: true,
  },
];

interface Steady {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
}
interface Bytes {
  readonly gbit: number;
  readonly gbitPerSecond: number;
}

const deployment = (namespace: string, name: string, command: readonly string[]) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name, version: "v1" } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image, command }] },
    },
  },
});

const waypoint = (namespace: string) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "waypoint", namespace, labels: { "istio.io/waypoint-for": "service" } },
  spec: { gatewayClassName: "istio-waypoint", listeners: [{ name: "mesh", port: 15008, protocol: "HBONE" }] },
});

const objectsOf = (way: Way): readonly object[] => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: way.namespace, labels: way.labels } },
  ...(way.waypoint === true ? [waypoint(way.namespace)] : []),
  ...serversOf(way),
];

const serversOf = ({ namespace }: Way): readonly object[] => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "server", namespace },
    spec: {
      selector: { app: "server" },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "tcp", port: 7000 },
      ],
    },
  },
  deployment(namespace, "server", ["node", "-e", server]),
  deployment(namespace, "client", ["sleep", "100000"]),
];

/** Processor seconds and resident megabytes of processes below the host whose command line has this in it. */
async function costOf(host: number, text: string): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const { processes } = await tracesOf(host);
  let [total, pages] = [0, 0];
  for (const pid of processes) {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    if (!command.startsWith("node") || !command.includes(text)) continue;
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    total += (Number(fields[11]) + Number(fields[12])) / 100;
    pages += Number(fields[21]);
  }
  return { seconds: total, megabytes: (pages * 4096) / 1024 / 1024 };
}

async function measure(slipway: Slipway, way: Way): Promise<readonly string[]> {
  const { host } = (await slipway.status()).processes;
  const run = async <Figures>(...mode: readonly string[]): Promise<Figures> => {
    const args = ["kubectl", "-n", way.namespace, "exec", "deploy/client", "-c", "main", "--", "node", "-e", client];
    return JSON.parse(await slipway.must([...args, ...mode])) as Figures;
  };
  const cost = () =>
    way.proxies === undefined ? Promise.resolve({ seconds: 0, megabytes: 0 }) : costOf(host, way.proxies);
  /** What is measured, and the proxies' processor seconds meanwhile. */
  const charged = async <Figures>(...mode: readonly string[]): Promise<readonly [Figures, number]> => {
    const before = await cost();
    const figures = await run<Figures>(...mode);
    return [figures, (await cost()).seconds - before.seconds];
  };
  await run("steady", "500", "2");
  const [slow, slowSeconds] = await charged<Steady>("steady", "500", String(seconds));
  const [fast, fastSeconds] = await charged<Steady>("steady", "1000", String(seconds));
  const { perSecond } = await run<{ readonly perSecond: number }>("connections");
  const [one, oneSeconds] = await charged<Bytes>("bytes", "1");
  const [hundred, hundredSeconds] = await charged<Bytes>("bytes", "100");
  const ofProxies = (value: number, digits: number): string => (way.proxies === undefined ? "" : value.toFixed(digits));
  return [
    way.name,
    `${slow.p50.toFixed(2)} / ${slow.p99.toFixed(2)}`,
    ofProxies((slowSeconds / slow.requests) * 1e6, 0),
    `${fast.p50.toFixed(2)} / ${fast.p99.toFixed(2)}`,
    ofProxies((fastSeconds / fast.requests) * 1e6, 0),
    perSecond.toFixed(0),
    one.gbitPerSecond.toFixed(2),
    ofProxies(one.gbit / oneSeconds, 2),
    hundred.gbitPerSecond.toFixed(2),
    ofProxies(hundred.gbit / hundredSeconds, 2),
    ofProxies((await cost()).megabytes, 0),
  ];
}

/** Whether the namespace's waypoint runs. */
async function hasWaypoint(slipway: Slipway, namespace: string): Promise<boolean> {
  const args = ["kubectl", "-n", namespace, "rollout", "status", "deployment/waypoint", "--timeout=30s"];
  return (await slipway.run(args)).code === 0;
}

async function main(): Promise<void> {
  const slipway = await Slipway.create();
  try {
    await slipway.must(["up"]);
    await slipway.kubectl("-n", "slipway-traffic", "scale", "deployment", "generator", "--replicas=0");
    // Only what is measured: the shop's sidecars would count as well.
    await slipway.kubectl("delete", "namespace", "shop");
    const rows: (readonly string[])[] = [];
    for (const way of ways) {
      const file = join(slipway.state, "bench.json");
      await writeFile(
        file,
        objectsOf(way)
          .map((object) => JSON.stringify(object))
          .join("\n"),
      );
      await slipway.kubectl("apply", "-f", file);
      for (const name of ["server", "client"])
        await slipway.kubectl("-n", way.namespace, "rollout", "status", `deployment/${name}`, "--timeout=60s");
      if (way.waypoint === true && !(await hasWaypoint(slipway, way.namespace))) {
        console.error("no waypoint came to be: that way is left out");
        continue;
      }
      await delay(3000);
      rows.push(await measure(slipway, way));
      await slipway.kubectl("delete", "namespace", way.namespace);
    }
    const rate = (perSecond: number) => [`${perSecond}/s: p50 / p99 ms`, "proxies µs/request"];
    const bytes = (connections: string) => [`${connections} Gbit/s`, "Gbit per proxy second"];
    const header = [
      "way",
      ...rate(500),
      ...rate(1000),
      "new connections/s",
      ...bytes("1 connection"),
      ...bytes("100 connections"),
    ];
    print([...header, "proxies RSS MB"], rows);
  } finally {
    await slipway.dispose();
  }
}

function print(header: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const row of [header, header.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
}

await main();
