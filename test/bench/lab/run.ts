/**
 * How long the lab takes to be ready, what it weighs, and how long a change takes until every proxy has acknowledged it: on the
 * embedded cluster and, where kind can be used, on kind, side by side in one run.
 *
 *   node test/bench/lab/run.ts [--starts 5] [--kind-starts 2] [--changes 200]
 *
 * Needs a build (`npm run build`). Prints a Markdown table and, with --json, the raw figures.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { obstacle } from "../../kind/obstacle.ts";
import { quantile } from "../quantile.ts";
import { timeBareKind } from "./bare-kind.ts";
import { type Figures, measureRunning, measureStarts, type Provider } from "./figures.ts";

const { values } = parseArgs({
  options: {
    starts: { type: "string", default: "5" },
    "kind-starts": { type: "string", default: "2" },
    changes: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});

const changes = Number(values.changes);
const figuresOf = async (provider: Provider, starts: number): Promise<Figures> => ({
  ...(await measureStarts(provider, starts)),
  ...(await measureRunning(provider, changes)),
});

async function kindFigures(starts: number): Promise<Figures & { readonly bareMs: readonly number[] }> {
  // The first start builds the images; what is measured is what everybody waits for every time.
  await measureStarts("kind", 1);
  const bareMs: number[] = [];
  for (let run = 0; run < starts; run++) bareMs.push(await timeBareKind());
  return { bareMs, ...(await figuresOf("kind", starts)) };
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
const range = (times: readonly number[]): string =>
  `${seconds(quantile(times, 0.5))} (${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}), ${times.length} runs`;
const memory = ({ memoryBytes, hostBytes }: Figures): string =>
  `${Math.round(memoryBytes / 1e6)} MB, and the host ${Math.round(hostBytes / 1e6)} MB`;
const acks = ({ ackMs }: Figures): string =>
  `p50 ${quantile(ackMs, 0.5).toFixed(1)} ms, p99 ${quantile(ackMs, 0.99).toFixed(1)} ms, ${ackMs.length} changes`;

const why = await obstacle();
if (why !== undefined) console.log(`kind is not measured here: ${why}`);
const embedded = await figuresOf("embedded", Number(values.starts));
const kind = why === undefined ? await kindFigures(Number(values["kind-starts"])) : undefined;
if (values.json) console.log(JSON.stringify({ embedded, kind }));

const rows: readonly (readonly [what: string, target: string, embedded: string, kind: string | undefined])[] = [
  [
    "command to first captured request over mutual TLS, new cluster",
    "5 s; kind: 15 s beyond the next line",
    range(embedded.startMs),
    kind && range(kind.startMs),
  ],
  ["`kind create cluster` by itself", "", "", kind && range(kind.bareMs)],
  ["the same, saved cluster", "", range(embedded.restartMs), kind && range(kind.restartMs)],
  ["memory of the cluster with every pod", "1.2 GB on embedded", memory(embedded), kind && memory(kind)],
  ["VirtualService written to last proxy's ACK seen", "50 ms at p99", acks(embedded), kind && acks(kind)],
];
console.log(`\n${cpus().length} cores, ${cpus()[0]?.model.trim()}, Node.js ${process.version}\n`);
console.log("| what | target | embedded: median (least to most) | kind |");
console.log("| --- | --- | --- | --- |");
for (const [what, target, first, second] of rows) console.log(`| ${what} | ${target} | ${first} | ${second ?? "–"} |`);
