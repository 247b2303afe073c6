import { isObject, type Json, type JsonObject } from "./json.ts";

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const clusterAddress = /\b10\.96\.\d+\.\d+\b/g;
const token = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

const controllers = new Set(["kube-controller-manager", "kube-scheduler", "kubelet"]);

/** In what order several problems are told is a matter of chance: maps of Go have none. */
function inOrder(status: JsonObject): JsonObject {
  const details = isObject(status.details) ? status.details : {};
  const causes = Array.isArray(details.causes) ? details.causes : [];
  if (causes.length < 2) return status;
  const sorted = causes.map((cause) => JSON.stringify(cause)).sort();
  const message = String(status.message).replace(/ is invalid: .*$/s, " is invalid: (several)");
  return { ...status, message, details: { ...details, causes: sorted.map((cause) => JSON.parse(cause) as Json) } };
}

const isListMeta = (metadata: JsonObject): boolean =>
  metadata.resourceVersion !== undefined && metadata.name === undefined && metadata.uid === undefined;

/**
 * Puts names in the place of what is different in every run: identities, revisions, times, addresses, random suffixes. The same value
 * gets the same name throughout a case, so that it still shows whether two answers speak of the same thing.
 */
export class Normaliser {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  value(value: Json): Json {
    return this.#visit(isObject(value) && value.reason === "Invalid" ? inOrder(value) : value, "");
  }

  text(text: string): string {
    return text
      .replaceAll(this.#namespace, "$ns")
      .replace(/127\.0\.0\.1:\d{4,5}\b/g, "<loopback>")
      .replace(uuid, (found) => this.#name("uid", found))
      .replace(time, "<time>")
      .replace(token, "<token>")
      .replace(clusterAddress, (found) => this.#name("address", found))
      .replace(/too old resource version: \d{2,} \(\d+\)/g, "too old resource version: <revision> (<revision>)")
      .replace(/(too old resource version: \d+) \(\d+\)/g, "$1 (<revision>)")
      .replace(/(Too large resource version: \d+, current:) \d+/g, "$1 <revision>")
      .replace(/^( *resourceVersion: )"\d+"$/gm, '$1"<revision>"')
      .replace(/(ResourceVersion in (?:the precondition|record)) \(\d+\)/g, "$1 (<revision>)")
      .replace(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-<random>");
  }

  #visit(value: Json, key: string): Json {
    if (Array.isArray(value)) return value.map((item) => this.#visit(item, key));
    if (typeof value === "string") return this.#string(value, key);
    if (key === "nodePort" || key === "healthCheckNodePort") return typeof value === "number" ? "<port>" : value;
    if (!isObject(value)) return value;
    const result: JsonObject = {};
    for (const [name, member] of Object.entries(value)) {
      if (name === "managedFields" || name === "metadata.managedFields") result[name] = this.#managers(member);
      else if (name === "metadata" && isObject(member) && isListMeta(member)) result[name] = this.#listMeta(member);
      else if (name === "name" && typeof member === "string") result[name] = this.#generated(value, member);
      else if (member !== undefined) result[name] = this.#visit(member, name);
    }
    return result;
  }

  #string(value: string, key: string): string {
    if (key === "resourceVersion" && /^\d+$/.test(value)) return value === "0" ? "0" : this.#name("revision", value);
    return this.text(value);
  }

  /** When a controller comes by is a matter of chance: only those who ask count. Nor does the second in which they wrote. */
  #managers(entries: Json | undefined): Json {
    if (!Array.isArray(entries)) return entries ?? null;
    const order = (entry: Json): string =>
      isObject(entry) ? [entry.operation, entry.manager, entry.subresource].map(String).join() : "";
    return entries
      .filter((entry) => !isObject(entry) || !controllers.has(String(entry.manager)))
      .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
      .map((entry) => this.#visit(entry, ""));
  }

  /** A list's revision is the store's: whatever else happens in the cluster moves it. */
  #listMeta(metadata: JsonObject): JsonObject {
    const { resourceVersion, continue: next, ...rest } = metadata;
    return {
      ...rest,
      ...(resourceVersion === undefined ? {} : { resourceVersion: "<revision>" }),
      ...(next === undefined || next === "" ? {} : { continue: "<continue>" }),
    };
  }

  #generated({ generateName }: JsonObject, name: string): string {
    return typeof generateName === "string" && name.startsWith(generateName)
      ? `${generateName}${"<random>"}`
      : this.text(name);
  }

  #name(what: string, value: string): string {
    const known = this.#names.get(`${what} ${value}`);
    if (known !== undefined) return known;
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    const name = `<${what} ${count}>`;
    this.#names.set(`${what} ${value}`, name);
    return name;
  }
}
