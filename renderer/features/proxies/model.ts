/** One thing in a proxy's configuration: a listener, a route configuration, a cluster, … */
export interface ConfigResource {
  readonly name: string;
  readonly text: string;
}

/**
 * The parts of a configuration dump of Envoy, each with its name; static and dynamic alike. A dump without lists (the bootstrap) is
 * one resource.
 */
export function resourcesOf(dump: unknown): readonly ConfigResource[] {
  return entriesOf(dump, "configs").flatMap((config) => {
    const lists = Object.values(config as object).filter((value): value is unknown[] => Array.isArray(value));
    const found = lists.flat().filter(isObject);
    return (found.length === 0 ? [config] : found).map((resource) => ({
      name: nameOf(resource) ?? String((config as Readonly<Record<string, unknown>>)["@type"] ?? "configuration"),
      text: JSON.stringify(resource, null, 2),
    }));
  });
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function entriesOf(dump: unknown, key: string): readonly Fields[] {
  const list = isObject(dump) ? dump[key] : undefined;
  if (Array.isArray(list)) return list.filter(isObject);
  return isObject(dump) ? [dump] : [];
}

/** Its own name, or that of what it wraps, such as `active_state.listener`; at most three deep. */
function nameOf(value: Fields, depth = 0): string | undefined {
  const own = value.name ?? value.cluster_name;
  if (typeof own === "string" && own !== "") return own;
  if (depth === 2) return undefined;
  for (const inner of Object.values(value)) {
    const name = isObject(inner) && !Array.isArray(inner) ? nameOf(inner, depth + 1) : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}
