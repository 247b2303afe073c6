import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, isObject, type JsonObject } from "../machinery/json.ts";
import { formatAddress, parseRange } from "../network/addresses.ts";
import type { Store } from "../store/store.ts";
import { wrong } from "./rules/problems.ts";
import { badRequest, invalid } from "./status.ts";

const NODE_PORTS = { first: 30000, last: 32767 };
/** The first addresses are for the cluster's own services. */
const RESERVED = 20;

/** Gives a new Service its cluster IP and node ports. Changes the object. */
export function allocateService(service: ApiObject, store: Store, serviceCidr: string): void {
  const spec = asObject(service.spec);
  if (spec.type === "ExternalName") return;
  const others = store.list("/services").filter((other) => other.metadata.uid !== service.metadata.uid);
  allocateAddress({ spec, name: service.metadata.name ?? "" }, others, serviceCidr);
  if (spec.type !== "NodePort" && spec.type !== "LoadBalancer") return;
  const taken = new Set(
    others.flatMap((other) => asArray(asObject(other.spec).ports).map((port) => asObject(port).nodePort)),
  );
  let next = NODE_PORTS.first;
  if (
    spec.type === "LoadBalancer" &&
    spec.externalTrafficPolicy === "Local" &&
    spec.healthCheckNodePort === undefined
  ) {
    while (taken.has(next)) next++;
    spec.healthCheckNodePort = next;
    taken.add(next);
  }
  for (const port of asArray(spec.ports)) {
    if (!isObject(port) || typeof port.nodePort === "number") continue;
    while (taken.has(next)) next++;
    if (next > NODE_PORTS.last) throw badRequest("no node port is free");
    port.nodePort = next;
    taken.add(next);
  }
}

function allocateAddress(
  { spec, name }: { readonly spec: JsonObject; readonly name: string },
  others: readonly ApiObject[],
  serviceCidr: string,
): void {
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
  if (typeof spec.clusterIP === "string" && !isInRange(spec.clusterIP, serviceCidr)) {
    const why = `failed to allocate IP ${spec.clusterIP}: the provided IP (${spec.clusterIP}) is not in the valid range. The range of valid IPs is ${serviceCidr}`;
    throw invalid({ group: "", kind: "Service" }, name, [wrong("spec.clusterIPs", [spec.clusterIP], why)]);
  }
  spec.clusterIPs = [spec.clusterIP];
}

function isInRange(address: string, cidr: string): boolean {
  const { first, size } = parseRange(cidr);
  const at = parseRange(`${address}/32`).first;
  return at >= first && at < first + size;
}

/** Fails when a Service asks for node ports that there are none of. */
export function checkNodePorts({ metadata, spec }: ApiObject): void {
  const { first, last } = NODE_PORTS;
  const { type, ports: list } = asObject(spec);
  const ports = type === "NodePort" || type === "LoadBalancer" ? asArray(list) : [];
  const problems = ports.flatMap((port, index) => {
    const { nodePort } = asObject(port);
    if (typeof nodePort !== "number" || (nodePort >= first && nodePort <= last)) return [];
    const why = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    return [wrong(`spec.ports[${index}].nodePort`, nodePort, why)];
  });
  if (problems.length > 0) throw invalid({ group: "", kind: "Service" }, metadata.name ?? "", problems);
}
