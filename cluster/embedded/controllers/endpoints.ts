import { isDeepStrictEqual } from "node:util";
import type { IEndpointSubset } from "kubernetes-models/v1/EndpointSubset";
import type { IEndpoints } from "kubernetes-models/v1/Endpoints";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { coreV1 } from "../machinery/resources.ts";
import type { Service } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { type EndpointSlice, sliceType } from "./endpoint-slice.ts";
import { controllerReference, splitKey } from "./owners.ts";
import { WorkQueue } from "./work-queue.ts";

type Endpoints = IEndpoints & KubeObject;

/** Later than what traffic needs: nothing here is waited for. */
const DELAY_MS = 200;

/** Keeps the old form of EndpointSlices, which `kubectl get endpoints` and older programs read. */
export function startEndpoints(context: ControllerContext): Controller {
  const { resources, clock, logger } = context;
  const services = watchCache<Service>(resources, coreV1("services"));
  const slices = watchCache<EndpointSlice>(resources, sliceType);
  const queue = new WorkQueue({ name: "endpoints", clock, logger, reconcile });

  slices.onChange(({ before, after }) => {
    const slice = (after ?? before)!;
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (service !== undefined) queue.addLater(`${slice.metadata.namespace}/${service}`, DELAY_MS);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([services.synced, slices.synced]);
    const { namespace, name } = splitKey(key);
    const service = services.get(namespace, name);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return; // the garbage collector takes them
    const own = [...slices.all()].filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
    );
    const subsets = subsetsOf(own);
    const before = await resources.get<Endpoints>(coreV1("endpoints"), namespace, name);
    const labels = service.metadata.labels ?? {};
    if (before === undefined) {
      const metadata = { name, namespace, labels, ownerReferences: [controllerReference(service)] };
      await resources.create<Endpoints>(coreV1("endpoints"), {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata,
        subsets,
      });
    } else if (!isDeepStrictEqual([before.subsets ?? [], before.metadata.labels ?? {}], [subsets, labels])) {
      await resources.update<Endpoints>(coreV1("endpoints"), {
        ...before,
        metadata: { ...before.metadata, labels },
        subsets,
      });
    }
  }

  return {
    stop: () => {
      queue.stop();
      services.close();
      slices.close();
    },
  };
}

/** A subset for each slice that has any addresses; those that are ending are in neither list. */
export function subsetsOf(slices: readonly EndpointSlice[]): IEndpointSubset[] {
  return slices.flatMap(({ endpoints = [], ports = [] }) => {
    const addressesOf = (ready: boolean): NonNullable<IEndpointSubset["addresses"]> =>
      endpoints
        .filter(({ conditions }) => conditions?.terminating !== true && (conditions?.ready ?? true) === ready)
        .flatMap(({ addresses, hostname, nodeName, targetRef }) =>
          addresses.map((ip) => ({
            ip,
            ...(hostname === undefined ? {} : { hostname }),
            ...(nodeName === undefined ? {} : { nodeName }),
            ...(targetRef === undefined ? {} : { targetRef }),
          })),
        );
    const [addresses, notReadyAddresses] = [addressesOf(true), addressesOf(false)];
    if (addresses.length + notReadyAddresses.length === 0) return [];
    return [
      {
        ...(addresses.length > 0 && { addresses }),
        ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
        ports: ports.map(({ name, port = 0, protocol = "TCP" }) => ({ ...(name && { name }), port, protocol })),
      },
    ];
  });
}
