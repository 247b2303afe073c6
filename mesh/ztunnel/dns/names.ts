import type { Service } from "#gen/istio/istio/workload/workload.ts";
import { type AddressBook, keyOf } from "../state/address-book.ts";
import { addressText } from "../state/address-text.ts";

export interface NameContext {
  readonly book: AddressBook;
  /** Namespace of the pod that asks. */
  readonly namespace: string;
  /** The cluster's domain, such as cluster.local. */
  readonly domain: string;
}

export interface FoundName {
  /** What was meant, if a search domain stood behind it. */
  readonly canonical: string | undefined;
  readonly addresses: readonly string[];
}

/** Text forms of IPv6 addresses have colons. */
const isIpv4 = (address: string): boolean => !address.includes(":");

/**
 * Looks up a name as a pod means it: a service's full name, a short name of Kubernetes, a host of a ServiceEntry, a pattern that covers
 * it; also with one of the pod's search domains behind it, which saves the client the questions that would fail. Undefined where
 * the mesh has no address for it: then the cluster's DNS is to be asked. Pure.
 * @param asked lower case, without the last dot
 */
export function findName(context: NameContext, asked: string): FoundName | undefined {
  for (const { name, canonical } of meanings(asked, context)) {
    const addresses = addressesOf(context, name);
    if (addresses.length > 0) return { canonical, addresses };
  }
  return undefined;
}

/** What a name may mean, the nearest first. */
function* meanings(
  asked: string,
  { namespace, domain }: NameContext,
): Generator<{ readonly name: string; readonly canonical: string | undefined }> {
  for (const name of fullNames(asked, namespace, domain)) yield { name, canonical: undefined };
  for (const search of [`${namespace}.svc.${domain}`, `svc.${domain}`, domain]) {
    if (!asked.endsWith(`.${search}`)) continue;
    const canonical = asked.slice(0, -search.length - 1);
    for (const name of fullNames(canonical, namespace, domain)) yield { name, canonical };
  }
}

/** A name, and the services of Kubernetes that it may be short for. */
function fullNames(name: string, namespace: string, domain: string): readonly string[] {
  const labels = name.split(".");
  if (labels.length === 1) return [name, `${name}.${namespace}.svc.${domain}`];
  if (labels.length === 2) return [name, `${name}.svc.${domain}`];
  if (labels.length === 3 && labels[2] === "svc") return [name, `${name}.${domain}`];
  return [name];
}

function addressesOf(context: NameContext, name: string): readonly string[] {
  for (const pattern of patterns(name)) {
    const service = preferred(context.book.servicesNamed(pattern), context.namespace);
    if (service !== undefined) return addressesOfService(context.book, service);
  }
  return [];
}

/** The name itself, then what covers it, the narrowest first. */
function* patterns(name: string): Generator<string> {
  yield name;
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) yield `*${name.slice(dot)}`;
}

/** The pod's own namespace comes first, then the others by name. */
function preferred(services: readonly Service[], namespace: string): Service | undefined {
  const own = services.find((service) => service.namespace === namespace);
  return own ?? services.toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1))[0];
}

/** A service without an address of its own is its endpoints. */
function addressesOfService(book: AddressBook, service: Service): readonly string[] {
  const own = service.addresses.map(({ address }) => addressText(address));
  const all =
    own.length > 0 ? own : [...book.endpoints(keyOf(service))].flatMap((one) => one.addresses.map(addressText));
  return all.filter(isIpv4);
}
