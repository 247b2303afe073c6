import type { Service, Snapshot, Workload } from "../../model/snapshot.ts";
import { serviceKey } from "./addresses.ts";

/** Ports of a service as one workload serves them. */
export interface PortMapping {
  readonly servicePort: number;
  readonly targetPort: number;
}

/** By "namespace/hostname". */
export type Services = Readonly<Record<string, readonly PortMapping[]>>;

/** Which services a workload is an endpoint of: endpoints name their workloads, here it is the other way round. */
export function memberships({ services, endpoints }: Snapshot): (workload: Workload) => Services {
  const found = new Map<Workload, Record<string, readonly PortMapping[]>>();
  for (const [hostname, list] of endpoints) {
    const service = services.get(hostname);
    if (service === undefined) continue;
    for (const { workload, ports } of list) {
      if (workload === undefined) continue;
      const own = found.get(workload) ?? {};
      own[serviceKey(service)] = mappingOf(service, ports);
      found.set(workload, own);
    }
  }
  return (workload) => found.get(workload) ?? {};
}

/** Ports of a service by which an endpoint with these ports is reached. */
export function mappingOf(service: Service, ports: Readonly<Record<string, number>>): readonly PortMapping[] {
  return service.ports.flatMap(({ name, port }) => {
    const targetPort = ports[name];
    return targetPort === undefined ? [] : [{ servicePort: port, targetPort }];
  });
}
