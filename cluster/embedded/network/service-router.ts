import type { ObjectCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import { run } from "../sandbox/run.ts";
import type { PolicySource } from "./policy-source.ts";
import { type EndpointSlice, type Service, servicePorts } from "./service-model.ts";
import { type RuleOptions, serviceRules } from "./service-rules.ts";

export interface RouterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly services: ObjectCache<Service>;
  readonly slices: ObjectCache<EndpointSlice>;
  readonly policies: PolicySource;
  readonly rules: RuleOptions;
}

/** A burst of changes becomes one table. */
const DEBOUNCE_MS = 10;
const RETRY_MS = 1000;

/** Keeps the kernel's rules equal to what services, endpoints and network policies say. Resolves when the first table is in place; gives the disposer. */
export async function startServiceRouter(options: RouterOptions): Promise<() => Promise<void>> {
  const { clock, logger } = options;
  let applied = "";
  let dirty = false;
  let closed = false;
  let cancel: () => void = () => undefined;
  let working: Promise<void> = Promise.resolve();

  const apply = async (): Promise<void> => {
    dirty = false;
    const wanted = serviceRules(
      servicePorts(options.services.all(), options.slices.all()),
      options.rules,
      options.policies.rules(),
    );
    if (wanted === applied) return;
    // Both tables are replaced whole: this network namespace has no other rules than ours.
    await run(["iptables-restore", "-w", "5"], { input: wanted });
    applied = wanted;
  };
  const schedule = (waitMs: number): void => {
    if (closed) return;
    dirty = true;
    cancel();
    cancel = clock.after(waitMs, () => {
      working = working.then(apply).catch((error: unknown) => {
        logger.error({ error: String(error) }, "the service rules could not be applied; trying again");
        schedule(RETRY_MS);
      });
    });
  };
  const changed = (): void => {
    if (!dirty) schedule(DEBOUNCE_MS);
  };
  const disposers = [
    options.services.onChange(changed),
    options.slices.onChange(changed),
    options.policies.onChange(changed),
  ];
  await apply();
  return async () => {
    closed = true;
    cancel();
    for (const dispose of disposers) dispose();
    await working;
  };
}
