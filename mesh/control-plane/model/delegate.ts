import type { Config } from "./snapshot.ts";
import type { HttpMatch, HttpRoute, StringMatch, VirtualServiceSpec } from "./virtual-service.ts";

type VirtualService = Config<VirtualServiceSpec>;

/**
 * Puts the routes of delegates in the place where a VirtualService names them. A delegate is a VirtualService without hosts; its
 * routes apply where both its own and the naming route's matches hold. Objects without delegates stay what they are. Source: Istio's
 * VirtualService reference, "Delegate".
 */
export function resolveDelegates(all: readonly VirtualService[]): readonly VirtualService[] {
  const names = (config: VirtualService): boolean =>
    config.spec.http?.some(({ delegate }) => delegate !== undefined) ?? false;
  if (!all.some(names)) return all;
  const delegates = new Map(
    all
      .filter(({ spec }) => (spec.hosts ?? []).length === 0)
      .map((config) => [`${config.origin.namespace}/${config.origin.name}`, config] as const),
  );
  return all.map((config) => {
    if (!names(config)) return config;
    const http = (config.spec.http ?? []).flatMap((route) => {
      if (route.delegate === undefined) return [route];
      const { namespace = config.origin.namespace, name } = route.delegate;
      const delegate = delegates.get(`${namespace}/${name}`);
      return (delegate?.spec.http ?? []).flatMap((own) => combine(route, own) ?? []);
    });
    return { ...config, spec: { ...config.spec, http } };
  });
}

/** The delegate's route under the conditions and settings of the one that names it; undefined if they exclude each other. */
function combine(root: HttpRoute, own: HttpRoute): HttpRoute | undefined {
  const roots = root.match === undefined || root.match.length === 0 ? [undefined] : root.match;
  const owns = own.match === undefined || own.match.length === 0 ? [undefined] : own.match;
  const matches = roots.flatMap((outer) => owns.map((inner) => both(outer, inner)));
  const possible = matches.filter((match) => match !== "never");
  if (possible.length === 0) return undefined;
  const { delegate: _, match: __, ...settings } = root;
  const match = possible.flatMap((one) => one ?? []);
  return { ...settings, ...own, ...(match.length === possible.length ? { match } : { match: [] }) };
}

function both(outer: HttpMatch | undefined, inner: HttpMatch | undefined): HttpMatch | undefined | "never" {
  if (outer === undefined || inner === undefined) return inner ?? outer;
  const uri = narrower(outer.uri, inner.uri);
  if (uri === "never") return "never";
  const merged: HttpMatch = {
    ...outer,
    ...inner,
    headers: { ...outer.headers, ...inner.headers },
    withoutHeaders: { ...outer.withoutHeaders, ...inner.withoutHeaders },
    queryParams: { ...outer.queryParams, ...inner.queryParams },
  };
  return uri === undefined ? merged : { ...merged, uri };
}

/** The inner path match, if all that it matches is matched by the outer too. */
function narrower(outer: StringMatch | undefined, inner: StringMatch | undefined): StringMatch | undefined | "never" {
  if (outer === undefined || inner === undefined) return inner ?? outer;
  if (outer.prefix !== undefined) {
    const start = inner.exact ?? inner.prefix;
    return start?.startsWith(outer.prefix) === true ? inner : "never";
  }
  if (outer.exact !== undefined) return inner.exact === outer.exact ? inner : "never";
  return inner.regex === outer.regex ? inner : "never";
}
