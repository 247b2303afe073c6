import { setTimeout as delay } from "node:timers/promises";
import type { LabCheckDefinition } from "#api/lab.ts";
import type { EdgeStats } from "../../telemetry/edges.ts";
import { acceptance } from "../statistics.ts";
import { type CheckContext, type CheckOutcome, percent } from "./outcome.ts";

type Check<Type> = Extract<LabCheckDefinition, { type: Type }>;

/** The live traffic to a service (or one of its versions) over a window that begins now. */
export async function checkTraffic(check: Check<"traffic">, context: CheckContext): Promise<CheckOutcome> {
  const edges = await observe(check, context);
  const all = edges.filter(
    ({ source, destination }) =>
      destination.app === check.service && (check.from === undefined || source.app === check.from),
  );
  const chosen = check.version === undefined ? all : all.filter((edge) => edge.destination.version === check.version);
  const requests = sum(chosen, (edge) => edge.requests);
  const sender = check.from === undefined ? "" : ` from ${check.from}`;
  const name = `${[check.service, check.version].filter(Boolean).join(" ")}${sender}`;
  if (requests < check.requestsAtLeast) {
    const observed = `${name} got ${requests} requests in ${check.window} s, at least ${check.requestsAtLeast} are needed to judge`;
    return { passed: false, observed, mayChange: true };
  }
  const success = requests === 0 ? 1 : 1 - sum(chosen, (edge) => edge.errors) / requests;
  const p99 = Math.max(0, ...chosen.map((edge) => edge.p99Ms ?? 0));
  const parts = [`${requests} requests in ${check.window} s, ${percent(success)} succeeded, p99 ${Math.round(p99)} ms`];
  let passed =
    (check.successAtLeast === undefined || success >= check.successAtLeast) &&
    (check.p99AtMost === undefined || p99 <= check.p99AtMost);
  if (check.shareOf !== undefined) {
    const { version, share } = check.shareOf;
    const total = sum(all, (edge) => edge.requests);
    const count = sum(
      all.filter((edge) => edge.destination.version === version),
      (edge) => edge.requests,
    );
    const { low, high } = acceptance(total, share);
    passed &&= total > 0 && count >= low && count <= high;
    parts.push(`${version} answered ${percent(total === 0 ? 0 : count / total)}`);
  }
  return { passed, observed: `${name}: ${parts.join("; ")}`, mayChange: true };
}

/** Every request that the service's own proxies report must have come over mutual TLS. */
export async function checkMutualTls(check: Check<"mutual-tls">, context: CheckContext): Promise<CheckOutcome> {
  const edges = (await observe(check, context)).filter((edge) => edge.destination.app === check.service);
  const all = sum(edges, (edge) => edge.mutualTls.all);
  const secured = sum(edges, (edge) => edge.mutualTls.secured);
  const observed =
    all === 0
      ? `${check.service} reported no requests in ${check.window} s`
      : `${percent(secured / all)} of ${all} requests came over mutual TLS`;
  return { passed: all > 0 && secured === all, observed, mayChange: true };
}

async function observe(check: { readonly window: number }, context: CheckContext): Promise<readonly EdgeStats[]> {
  const ticks = check.window * 4;
  for (let tick = 1; tick <= ticks; tick++) {
    await delay(250, undefined, { signal: context.signal });
    context.onProgress(tick / ticks);
  }
  return context.measurements.edges(check.window);
}

const sum = (edges: readonly EdgeStats[], of: (edge: EdgeStats) => number): number =>
  edges.reduce((total, edge) => total + of(edge), 0);
