import { createHash } from "node:crypto";
import { isCustom } from "./custom-kinds.ts";
import type { Kind } from "./kinds.ts";

/** The verbs of every kind that is stored. */
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
/** Kinds that are only asked, never stored. */
const reviews: readonly {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}[] = [
  { group: "authentication.k8s.io", version: "v1", resource: "tokenreviews", kind: "TokenReview", namespaced: false },
  {
    group: "authentication.k8s.io",
    version: "v1",
    resource: "selfsubjectreviews",
    kind: "SelfSubjectReview",
    namespaced: false,
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    resource: "subjectaccessreviews",
    kind: "SubjectAccessReview",
    namespaced: false,
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    resource: "selfsubjectrulesreviews",
    kind: "SelfSubjectRulesReview",
    namespaced: false,
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    resource: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    namespaced: false,
  },
];

/** `/api`, `/apis`, `/apis/GROUP`, `/api/v1`, `/apis/GROUP/VERSION`; undefined for other paths. */
export function discover(path: string, kinds: readonly Kind[], server: string): unknown {
  const parts = path.split("/").filter(Boolean);
  if (path === "/api" || path === "/api/")
    return {
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: server.replace("https://", "") }],
    };
  if (parts[0] === "api" && parts.length === 2 && parts[1] === "v1") return resourceList("", "v1", kinds);
  if (parts[0] !== "apis") return undefined;
  const groups = groupsOf(kinds);
  if (parts.length === 1) return { kind: "APIGroupList", apiVersion: "v1", groups };
  const group = groups.find(({ name }) => name === parts[1]);
  if (group === undefined) return undefined;
  if (parts.length === 2) return { kind: "APIGroup", apiVersion: "v1", ...group };
  if (parts.length === 3 && group.versions.some(({ version }) => version === parts[2]))
    return resourceList(group.name, parts[2] ?? "", kinds);
  return undefined;
}

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string } | undefined;
}

function groupsOf(kinds: readonly Kind[]): readonly Group[] {
  const versions = new Map<string, Set<string>>();
  for (const { group, version } of [...kinds, ...reviews])
    if (group !== "") versions.set(group, (versions.get(group) ?? new Set()).add(version));
  return [...versions].map(([name, set]) => {
    const list = [...set].map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions: list, preferredVersion: list[0] };
  });
}

function resourceList(group: string, version: string, kinds: readonly Kind[]): unknown {
  const inGroup = (one: { readonly group: string; readonly version: string }): boolean =>
    one.group === group && one.version === version;
  const resources = kinds.filter(inGroup).flatMap((kind) => [
    {
      name: kind.resource,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: isCustom(kind) ? CUSTOM_VERBS : VERBS,
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
      ...(kind.categories.length > 0 && { categories: kind.categories }),
      storageVersionHash: storageHash(kind),
    },
    ...kind.subresources.map((subresource) => ({
      name: `${kind.resource}/${subresource}`,
      singularName: "",
      namespaced: kind.namespaced,
      ...(subresource === "scale" ? { group: "autoscaling", version: "v1", kind: "Scale" } : { kind: kind.kind }),
      verbs: isCustom(kind) ? ["get", "patch", "update"] : ["get", "patch", "update", "create"],
    })),
  ]);
  const asked = reviews.filter(inGroup).map(({ resource, kind, namespaced }) => ({
    name: resource,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs: ["create"],
  }));
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: [...resources, ...asked],
  };
}

/** Tells clients whether objects are stored in another version than before. */
function storageHash(kind: Kind): string {
  const version = isCustom(kind) ? kind.storageVersion : kind.version;
  const digest = createHash("sha256").update(`${kind.group}/${version}/${kind.kind}`).digest();
  return digest.subarray(0, 8).toString("base64");
}
