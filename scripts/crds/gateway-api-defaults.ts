import type { Schema } from "./read-schema.ts";

const everyPath = { type: "PathPrefix", value: "/" };

/**
 * Defaults of the Gateway API's fields, which compiled validators do not tell. By the end of a field's path; the longest end that
 * fits decides. Source: the Gateway API's reference.
 */
const defaults: Readonly<Record<string, unknown>> = {
  "parentRefs[].group": "gateway.networking.k8s.io",
  "parentRefs[].kind": "Gateway",
  "backendRefs[].group": "",
  "backendRefs[].kind": "Service",
  "backendRefs[].weight": 1,
  "backendRef.group": "",
  "backendRef.kind": "Service",
  "certificateRefs[].group": "",
  "certificateRefs[].kind": "Secret",
  "rules[].matches[].path": everyPath,
  "rules[].matches[].path.type": "PathPrefix",
  "rules[].matches[].path.value": "/",
  "rules[].matches[].headers[].type": "Exact",
  "rules[].matches[].queryParams[].type": "Exact",
  "rules[].matches[].method.type": "Exact",
  "requestRedirect.statusCode": 302,
  "listeners[].allowedRoutes": { namespaces: { from: "Same" } },
  "listeners[].allowedRoutes.namespaces": { from: "Same" },
  "listeners[].allowedRoutes.namespaces.from": "Same",
  "listeners[].tls.mode": "Terminate",
};
/** Only where paths are matched: a GRPCRoute without matches takes every request by itself. */
const httpRouteDefaults: Readonly<Record<string, unknown>> = {
  "spec.rules": [{ matches: [{ path: everyPath }] }],
  "spec.rules[].matches": [{ path: everyPath }],
};

/** The schema of a Gateway API kind with its defaults. */
export function withGatewayApiDefaults(schema: Schema, kind: string): Schema {
  const table = kind === "HTTPRoute" ? { ...defaults, ...httpRouteDefaults } : defaults;
  const visit = (part: Schema, path: string): Schema => {
    const ends = Object.keys(table).filter((end) => path === end || path.endsWith(`.${end}`));
    const [end] = ends.toSorted((a, b) => b.length - a.length);
    return {
      ...part,
      ...(end === undefined ? {} : { default: table[end] }),
      ...(part.items === undefined ? {} : { items: visit(part.items, `${path}[]`) }),
      ...(part.properties === undefined
        ? {}
        : {
            properties: Object.fromEntries(
              Object.entries(part.properties).map(([name, value]) => [name, visit(value, `${path}.${name}`)]),
            ),
          }),
    };
  };
  return visit(schema, "spec");
}
