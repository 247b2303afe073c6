import { apiVersionOf, type Kind } from "./kinds.ts";

/**
 * What kubectl asks of OpenAPI before it applies: whether the server itself validates fields. Schemas of built-in kinds are not
 * published here; kubectl knows them.
 */
export function openApi(path: string, kinds: readonly Kind[]): unknown {
  const byPath = (kind: Kind): string => (kind.group === "" ? `api/${kind.version}` : `apis/${apiVersionOf(kind)}`);
  if (path === "/openapi/v3") {
    const names = [...new Set(kinds.map(byPath))];
    return { paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}` }])) };
  }
  if (path === "/openapi/v2")
    return { swagger: "2.0", info: { title: "Slipway", version: "v1" }, paths: {}, definitions: {} };
  const wanted = path.replace(/^\/openapi\/v3\//, "");
  const served = kinds.filter((kind) => byPath(kind) === wanted);
  if (served.length === 0) return undefined;
  return {
    openapi: "3.0.0",
    info: { title: "Slipway", version: "v1" },
    paths: Object.fromEntries(
      served.map((kind) => [
        `/${wanted}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.resource}/{name}`,
        operations(kind),
      ]),
    ),
    components: {
      schemas: Object.fromEntries(
        served
          .filter((kind) => "schema" in kind)
          .map((kind) => [`${kind.group}.${kind.version}.${kind.kind}`, schemaOf(kind)]),
      ),
    },
  };
}

function operations(kind: Kind): unknown {
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({
    name,
    in: "query",
    schema: { type: "string" },
  }));
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  return {
    patch: {
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": gvk,
      parameters,
      responses: { 200: { description: "OK" } },
    },
  };
}

function schemaOf(kind: Kind): unknown {
  const schema = "schema" in kind ? kind.schema : {};
  return {
    ...(schema as object),
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.kind }],
  };
}
