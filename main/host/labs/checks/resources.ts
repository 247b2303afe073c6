import { setTimeout as delay } from "node:timers/promises";
import type { LabCheckDefinition } from "#api/lab.ts";
import type { ProxyUse, ProxyUsePoint } from "#api/rpc/telemetry.ts";
import { type CheckContext, type CheckOutcome, percent } from "./outcome.ts";

type Check = Extract<LabCheckDefinition, { type: "resources" }>;
type Chosen = Check["of"];

interface Average {
  readonly proxies: number;
  readonly amount: number;
}

/** What some proxies take, on average over a window that begins now, and what others take beside them. */
export async function checkResources(check: Check, context: CheckContext): Promise<CheckOutcome> {
  for (let second = 1; second <= check.window; second++) {
    await delay(1000, undefined, { signal: context.signal });
    context.onProgress(second / check.window);
  }
  const points = context.measurements.proxyUse(check.window);
  const own = average(points, check.of, check.what);
  const observed = `${nameOf(check.of)}: ${own.proxies} with ${amountText(own.amount, check.what)}`;
  const enough =
    own.proxies >= check.proxiesAtLeast && own.proxies <= (check.proxiesAtMost ?? Number.POSITIVE_INFINITY);
  if (check.against === undefined) return { passed: enough, observed, mayChange: true };
  const other = average(points, check.against.of, check.what);
  const compared = `${observed}; ${nameOf(check.against.of)}: ${other.proxies} with ${amountText(other.amount, check.what)}`;
  if (other.proxies === 0 || other.amount === 0) return { passed: false, observed: compared, mayChange: true };
  const share = own.amount / other.amount;
  return {
    passed: enough && share <= check.against.shareAtMost,
    observed: `${compared}: ${percent(share)} of it`,
    mayChange: true,
  };
}

/** Averaged over the seconds; the number of proxies is that of the last one. */
function average(points: readonly ProxyUsePoint[], of: Chosen, what: Check["what"]): Average {
  const chosen = points.map(({ uses }) => uses.filter((use) => isChosen(use, of)));
  const amounts = chosen.map((uses) => uses.reduce((sum, use) => sum + amountOf(use, what), 0));
  const total = amounts.reduce((sum, one) => sum + one, 0);
  return {
    proxies: chosen.at(-1)?.reduce((sum, { proxies }) => sum + proxies, 0) ?? 0,
    amount: amounts.length === 0 ? 0 : total / amounts.length,
  };
}

const isChosen = (use: ProxyUse, { role, namespace }: Chosen): boolean =>
  use.role === role && (namespace === undefined || use.namespace === namespace);

const amountOf = (use: ProxyUse, what: Check["what"]): number => (what === "memory" ? use.memoryBytes : use.processors);

const amountText = (amount: number, what: Check["what"]): string =>
  what === "memory" ? `${Math.round(amount / 1e6)} MB` : `${percent(amount)} of a processor`;

const nameOf = ({ role, namespace }: Chosen): string => (namespace === undefined ? role : `${role} in ${namespace}`);
