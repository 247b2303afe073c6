import type { JwtProvider } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import type { Head } from "../http1/head.ts";

/** A place in a request where a token may be. */
export interface TokenLocation {
  find(head: Head): string | undefined;
  /** So that who is called does not see the token. */
  remove(head: Head): void;
}

/** Where a provider looks; without any of its own the places of RFC 6750 2.1 and 2.3. */
export function locationsOf({ fromHeaders, fromParams, fromCookies }: JwtProvider): readonly TokenLocation[] {
  const own = [
    ...fromHeaders.map(({ name, valuePrefix }) => inHeader(name.toLowerCase(), valuePrefix)),
    ...fromParams.map(inQuery),
    ...fromCookies.map(inCookie),
  ];
  return own.length > 0 ? own : [inHeader("authorization", "Bearer "), inQuery("access_token")];
}

/** All that stands after the prefix: what is more than a token makes it a bad one. */
function inHeader(name: string, prefix: string): TokenLocation {
  return {
    find: (head) => {
      const value = head.get(name);
      const at = value?.indexOf(prefix) ?? -1;
      if (value === undefined || at < 0) return undefined;
      return value.slice(at + prefix.length);
    },
    remove: (head) => head.remove(name),
  };
}

function inQuery(name: string): TokenLocation {
  return {
    find: (head) => {
      const [, query = ""] = split(head.path);
      return query === "" ? undefined : (new URLSearchParams(query).get(name) ?? undefined);
    },
    remove: (head) => {
      const [path, query = ""] = split(head.path);
      const kept = query.split("&").filter((pair) => decoded(pair.split("=", 1)[0] ?? "") !== name);
      head.path = kept.length === 0 ? path : `${path}?${kept.join("&")}`;
    },
  };
}

/** A cookie stays: others beside it in the header are none of our business. */
function inCookie(name: string): TokenLocation {
  return {
    find: (head) => {
      const pairs = (head.get("cookie") ?? "").split(/[;,]/).map((pair) => pair.trim());
      return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
    },
    remove: () => {},
  };
}

function split(path: string): readonly [path: string, query?: string] {
  const at = path.indexOf("?");
  return at < 0 ? [path] : [path.slice(0, at), path.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
