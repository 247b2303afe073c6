/**
 * The proxy beside Envoy in one run: HTTP/1.1, 1 KB answers, 32 connections, one worker each, plain and with mutual TLS to the
 * upstream. Prints a table and writes JSON. `--seconds 10 --rate 4000 --only ours|envoy --out file`; ENVOY_BIN names Envoy.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { envoyBinary } from "../../e2e/envoy/install.ts";
import { bundleProgram } from "../bundle-program.ts";
import { makeCertificates } from "./certificates.ts";
import { envoyConfig } from "./envoy.ts";
import { type ClosedLoop, closedLoop, type OpenLoop, openLoop, pin, startEnvoy, startNode } from "./measure.ts";
import type { Setup } from "./setup.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "4000" },
    only: { type: "string" },
    out: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);
const envoy = envoyBinary();

type Row = { readonly proxy: string; readonly transport: string } & ClosedLoop & { readonly equalRate: OpenLoop };

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
const children: ChildProcess[] = [];
const keep = (child: ChildProcess): ChildProcess => {
  children.push(child);
  return child;
};
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill("SIGKILL");
  });
};

async function measure(proxy: "ours" | "envoy", setup: Setup, subject: string): Promise<Row> {
  const child = keep(
    proxy === "ours"
      ? await startNode(subject, [JSON.stringify(setup)])
      : await startEnvoy(envoy, envoyConfig(setup), setup.listenPort),
  );
  const pid = child.pid ?? 0;
  pin(pid, 0);
  const closed = await closedLoop(pid, setup.listenPort, seconds);
  const equalRate = await openLoop(pid, { port: setup.listenPort, rate, seconds });
  await stop(child);
  return { proxy, transport: setup.tls === undefined ? "plain" : "mutual TLS", ...closed, equalRate };
}

async function main(): Promise<readonly Row[]> {
  const subject = await bundleProgram(join(import.meta.dirname, "subject.ts"), folder);
  const certificates = makeCertificates(folder);
  const rows: Row[] = [];
  for (const [index, tls] of [undefined, certificates].entries()) {
    const upstreamPort = 18_080 + index * 10;
    const files = tls === undefined ? [] : [tls.certificate, tls.key, tls.roots];
    const upstream = keep(await startNode("upstream.ts", [String(upstreamPort), ...files]));
    pin(upstream.pid ?? 0, 1);
    for (const proxy of ["envoy", "ours"] as const) {
      if (values.only !== undefined && values.only !== proxy) continue;
      if (proxy === "envoy" && !existsSync(envoy)) continue;
      const listenPort = upstreamPort + (proxy === "ours" ? 1 : 2);
      rows.push(await measure(proxy, { listenPort, upstreamPort, tls }, subject));
    }
    await stop(upstream);
  }
  return rows;
}

function table(rows: readonly Row[]): string {
  const head = `| proxy | transport | CPU µs/request | requests/s | RSS MB | of it anonymous | p50 ms at ${rate}/s | p99 ms at ${rate}/s | CPU µs/request at ${rate}/s | errors |`;
  const lines = rows.map((row) => {
    const { p50Ms, p99Ms, cpuMicrosPerRequest } = row.equalRate;
    const cells = [
      row.proxy,
      row.transport,
      row.cpuMicrosPerRequest,
      row.requestsPerSecond,
      row.residentMb,
      row.ownMb,
      p50Ms,
      p99Ms,
    ];
    return `| ${[...cells, cpuMicrosPerRequest, row.errors].join(" | ")} |`;
  });
  return [head, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", ...lines].join("\n");
}

try {
  const rows = await main();
  console.log(table(rows));
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(rows, undefined, 2)}\n`);
} finally {
  await Promise.all(children.map(stop));
  rmSync(folder, { recursive: true, force: true });
}
