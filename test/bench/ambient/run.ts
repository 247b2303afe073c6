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
];

interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly requests: number;
  readonly newConnections: number;
  readonly oneGbit: number;
  readonly hundredGbit: number;
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

const objectsOf = ({ namespace, labels }: Way): readonly object[] => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
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
  const run = async (mode: string): Promise<Figures> => {
    const command = ["node", "-e", client, mode, String(seconds)];
    const args = ["kubectl", "-n", way.namespace, "exec", "deploy/client", "-c", "main", "--", ...command];
    return JSON.parse(await slipway.must(args)) as Figures;
  };
  const cost = () =>
    way.proxies === undefined ? Promise.resolve({ seconds: 0, megabytes: 0 }) : costOf(host, way.proxies);
  await run("warm");
  const before = await cost();
  const steady = await run("steady");
  const after = await cost();
  const rest = await run("rest");
  const micros = ((after.seconds - before.seconds) / steady.requests) * 1e6;
  return [
    way.name,
    steady.p50.toFixed(2),
    steady.p99.toFixed(2),
    way.proxies === undefined ? "" : micros.toFixed(0),
    rest.newConnections.toFixed(0),
    rest.oneGbit.toFixed(2),
    rest.hundredGbit.toFixed(2),
    way.proxies === undefined ? "" : after.megabytes.toFixed(0),
  ];
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
      await delay(3000);
      rows.push(await measure(slipway, way));
      await slipway.kubectl("delete", "namespace", way.namespace);
    }
    const header = ["way", "p50 ms", "p99 ms", "proxy CPU µs/request", "new connections/s", "1 connection Gbit/s"];
    print([...header, "100 connections Gbit/s", "proxies RSS MB"], rows);
  } finally {
    await slipway.dispose();
  }
}

function print(header: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const row of [header, header.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
}

await main();
