import type { LabCheckDefinition } from "#api/lab.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";

type Check<Type> = Extract<LabCheckDefinition, { type: Type }>;

export async function checkReady(check: Check<"ready">, { measurements }: CheckContext): Promise<CheckOutcome> {
  const state = await measurements.workload(check.namespace, check.workload);
  if (state === undefined) {
    return {
      passed: false,
      observed: `there is no workload ${check.workload} in ${check.namespace}`,
      mayChange: false,
    };
  }
  const observed = `${state.ready} of ${state.wanted} pods of ${check.workload} are ready`;
  return { passed: state.ready >= check.replicas && state.ready >= state.wanted, observed, mayChange: true };
}

export async function checkExists(check: Check<"exists">, { measurements }: CheckContext): Promise<CheckOutcome> {
  const exists = await measurements.exists(check);
  const name = `${check.kind} ${check.namespace}/${check.name}`;
  return { passed: exists, observed: exists ? `${name} exists` : `there is no ${name}`, mayChange: false };
}

export async function checkAcknowledged({ measurements, applied }: CheckContext): Promise<CheckOutcome> {
  const { proxies, behind } = await measurements.unacknowledged(applied);
  const names = behind.map(({ id, why }) => `${id} (${why})`).join(", ");
  const observed =
    behind.length === 0
      ? `${proxies} of ${proxies} proxies have it`
      : `${proxies - behind.length} of ${proxies} proxies have it; not yet: ${names}`;
  return { passed: proxies > 0 && behind.length === 0, observed, mayChange: true };
}
