import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, isObject } from "../machinery/json.ts";
import { formatAddress, parseRange } from "../network/addresses.ts";
import type { Store } from "../store/store.ts";
import { badRequest } from "./status.ts";

const NODE_PORTS = { first: 30000, last: 32767 };
/** The first addresses are for the cluster's own services. */
const RESERVED = 20;

/** Gives a new Service its cluster IP and node ports. Changes the object. */
export function allocateService(service: ApiObject, store: Store, serviceCidr: string): void {
  const spec = asObject(service.spec);
  if (spec.type === "ExternalName") return;
  const others = store.list("/services").filter((other) => other.metadata.uid !== service.metadata.uid);
  allocateAddress(spec, others, serviceCidr);
  if (spec.type !== "NodePort" && spec.type !== "LoadBalancer") return;
  const taken = new Set(
    others.flatMap((other) => asArray(asObject(other.spec).ports).map((port) => asObject(port).nodePort)),
  );
  let next = NODE_PORTS.first;
  for (const port of asArray(spec.ports)) {
    if (!isObject(port) || typeof port.nodePort === "number") continue;
    while (taken.has(next)) next++;
    if (next > NODE_PORTS.last) throw badRequest("no node port is free");
    port.nodePort = next;
    taken.add(next);
  }
}

function allocateAddress(spec: ReturnType<typeof asObject>, others: readonly ApiObject[], serviceCidr: string): void {
  if (spec.clusterIP === "None") {
    spec.clusterIPs = ["None"];
    return;
  }
  if (typeof spec.clusterIP !== "string" || spec.clusterIP === "") {
    const taken = new Set(others.map((other) => asObject(other.spec).clusterIP));
    const { first, size } = parseRange(serviceCidr);
    let address = first + RESERVED;
    while (taken.has(formatAddress(address))) address++;
    if (address >= first + size) throw badRequest("no cluster IP is free");
    spec.clusterIP = formatAddress(address);
  }
  spec.clusterIPs = [spec.clusterIP];
}
