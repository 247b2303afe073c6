/**
 * Lists whose items are told apart by keys when patches are merged; all others are replaced whole. By the name of the list's
 * field, which in the built-in kinds decides alone. Source: patchMergeKey and listMapKeys of Kubernetes' API.
 */
const keys: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  env: ["name"],
  conditions: ["type"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  ownerReferences: ["uid"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  webhooks: ["name"],
  secrets: ["name"],
  addresses: ["type"],
  readinessGates: ["conditionType"],
};

/** The keys of a list; undefined for one that is atomic. Ports are containers' or a Service's. */
export function listKeys(field: string, items: readonly unknown[]): readonly string[] | undefined {
  if (field === "ports") {
    const isObject = (item: unknown): item is object => item !== null && typeof item === "object";
    if (items.every((item) => isObject(item) && "containerPort" in item)) return ["containerPort", "protocol"];
    return items.every((item) => isObject(item) && "port" in item) ? ["port", "protocol"] : undefined;
  }
  const known = keys[field];
  if (known === undefined) return undefined;
  return items.every((item) => item !== null && typeof item === "object" && known.every((key) => key in item))
    ? known
    : undefined;
}

/** What tells an item from the others; a protocol that is not said is TCP. */
export function itemKey(item: unknown, keyNames: readonly string[]): string {
  const object = item as Readonly<Record<string, unknown>>;
  return JSON.stringify(keyNames.map((name) => object[name] ?? (name === "protocol" ? "TCP" : null)));
}

/** Keys for patches: only the first matters to a strategic merge. */
export const mergeKeyOf = (field: string, items: readonly unknown[]): readonly string[] | undefined => {
  if (field === "ports" && items.some((item) => item !== null && typeof item === "object" && "$patch" in item)) {
    return items.some((item) => item !== null && typeof item === "object" && "containerPort" in item)
      ? ["containerPort"]
      : ["port"];
  }
  const known = field === "ports" ? listKeys(field, items) : keys[field];
  return known?.slice(0, 1);
};
