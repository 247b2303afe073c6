import type { ObjectReference } from "#api/kinds/object.ts";

/**
 * The object behind a route's metadata, as Istio writes it:
 * `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart`. Undefined for anything else.
 */
export function objectOf(configSource: string): ObjectReference | undefined {
  const match = /^\/apis\/([^/]+\/[^/]+)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(configSource);
  if (match === null) return undefined;
  const [, apiVersion = "", namespace = "", kind = "", name = ""] = match;
  return { apiVersion, kind: camelCase(kind), namespace, name };
}

const camelCase = (words: string): string =>
  words
    .split("-")
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join("");
