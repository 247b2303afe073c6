import type { ObjectCache } from "../machinery/cache.ts";
import type { Logger } from "../machinery/clock.ts";
import { coreV1, type Resources, StatusError } from "../machinery/resources.ts";
import { run } from "../sandbox/run.ts";
import { AddressPool } from "./addresses.ts";
import { type Service, serviceKey } from "./service-model.ts";

/** Where load balancers get their addresses. */
const LOAD_BALANCER_RANGE = "172.30.0.0/16";

/**
 * Gives each Service of type LoadBalancer an address of the node's network, on its loopback so that it is local, and writes it to the
 * service's status. Returns the disposer.
 */
export function startLoadBalancers(options: {
  resources: Resources;
  logger: Logger;
  services: ObjectCache<Service>;
}): () => void {
  const { resources, logger, services } = options;
  const pool = new AddressPool(LOAD_BALANCER_RANGE);
  const given = new Map<string, string>();
  const command = (verb: "add" | "del", address: string): void => {
    run(["ip", "addr", verb, `${address}/32`, "dev", "lo"]).catch((error: unknown) =>
      logger.warn({ error: String(error) }, "a load balancer's address could not be changed"),
    );
  };
  const assign = (service: Service): void => {
    const key = serviceKey(service);
    const current = service.status?.loadBalancer?.ingress?.[0]?.ip;
    if (given.has(key)) return;
    const address = pool.take(service.spec?.loadBalancerIP ?? current);
    if (address === undefined) return;
    given.set(key, address);
    command("add", address);
    if (address !== current)
      void writeStatus(resources, service, [{ ip: address }]).catch((error: unknown) =>
        logger.warn({ error: String(error) }, "a load balancer's address could not be written"),
      );
  };
  const withdraw = (key: string, service: Service | undefined): void => {
    const address = given.get(key);
    if (address === undefined) return;
    given.delete(key);
    pool.release(address);
    command("del", address);
    if (service !== undefined) void writeStatus(resources, service, []).catch(() => undefined);
  };
  const consider = (before: Service | undefined, after: Service | undefined): void => {
    const wanted = after?.spec?.type === "LoadBalancer" && after.metadata.deletionTimestamp === undefined;
    if (wanted && after !== undefined) assign(after);
    else if (after !== undefined || before !== undefined) withdraw(serviceKey(after ?? (before as Service)), after);
  };
  // Those that have an address keep it: they are served before new ones.
  const known = [...services.all()].sort(
    (left, right) =>
      Number(right.status?.loadBalancer?.ingress !== undefined) -
      Number(left.status?.loadBalancer?.ingress !== undefined),
  );
  for (const service of known) consider(undefined, service);
  return services.onChange(({ before, after }) => consider(before, after));
}

async function writeStatus(resources: Resources, service: Service, ingress: readonly { ip: string }[]): Promise<void> {
  const { namespace, name = "" } = service.metadata;
  try {
    await resources.patch(coreV1("services"), namespace, name, {
      type: "merge",
      subresource: "status",
      body: { status: { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } } },
    });
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === "NotFound")) throw error;
  }
}
