import { type Case, configMap, type RequestStep } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const made = (name: string, labels: object): RequestStep => ({
  name: `create ${name}`,
  send: `POST ${maps}`,
  body: configMap(name, {}, { labels }),
  quiet: true,
});
const names = ["items.*.metadata.name", "metadata"];
const list = (name: string, query: string): RequestStep => ({ name, send: `GET ${maps}?${query}`, only: names });
const selected = (selector: string): RequestStep =>
  list(`labels: ${selector}`, `labelSelector=${encodeURIComponent(selector)}`);
const fields = (selector: string, path = maps): RequestStep => ({
  name: `fields: ${selector}${path === maps ? "" : ` of ${path.split("/").at(-1)}`}`,
  send: `GET ${path}?fieldSelector=${encodeURIComponent(selector)}`,
  only: ["items.*.metadata.name"],
});
const json = "application/json";

/** Lists: by labels and fields, in pages, as tables, as metadata alone, as deleted at once. */
export const lists: Case = {
  name: "lists",
  steps: [
    made("a", { app: "one", tier: "web" }),
    made("b", { app: "two", tier: "web" }),
    made("c", { app: "three" }),
    made("d", {}),
    { name: "all", send: `GET ${maps}?labelSelector=app` },
    ...[
      "app=one",
      "app==one",
      "app!=one",
      "app in (one,two)",
      "app notin (one, two)",
      "app",
      "!app",
      "app=one,tier=web",
      "app in (one),tier",
      "app=",
      "app>1",
      "app in one",
      "app=one two",
      "a b=c",
      "app in ()",
      ",",
      "=one",
    ].map(selected),
    fields("metadata.name=a"),
    fields("metadata.name!=a"),
    fields("metadata.namespace=$ns,metadata.name=b"),
    fields("data.a=1"),
    fields("metadata.labels.app=one"),
    fields("metadata.name"),
    fields("status.phase=Running", "/api/v1/namespaces/$ns/pods"),
    fields("spec.nodeName=none", "/api/v1/namespaces/$ns/pods"),
    fields("spec.nothing=none", "/api/v1/namespaces/$ns/pods"),
    fields("type=Opaque", "/api/v1/namespaces/$ns/secrets"),
    fields("involvedObject.name=none", "/api/v1/namespaces/$ns/events"),
    fields("spec.replicas=1", "/apis/apps/v1/namespaces/$ns/deployments"),
    { ...list("the first page", "limit=2&labelSelector=app"), save: { next: "metadata.continue" } },
    list("the second page", "limit=2&labelSelector=app&continue=$next"),
    { ...list("the first page of all", "limit=2"), save: { more: "metadata.continue" } },
    list("the rest", "continue=$more"),
    list("a token that is none", "continue=nothing"),
    list("a limit that is none", "limit=some"),
    list("a token and a revision", "limit=2&continue=$more&resourceVersion=1"),
    list("any revision", "resourceVersion=0&labelSelector=app"),
    list("an exact revision without a revision", "resourceVersionMatch=Exact"),
    list("a revision of the future", "resourceVersion=999999999&timeoutSeconds=1"),
    list("a revision that is none", "resourceVersion=x"),
    list("a match that is none", "resourceVersion=1&resourceVersionMatch=Some"),
    {
      name: "metadata alone",
      send: `GET ${maps}?labelSelector=app=one`,
      headers: { accept: `${json};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io` },
    },
    {
      name: "metadata of one",
      send: `GET ${maps}/a`,
      headers: { accept: `${json};as=PartialObjectMetadata;v=v1;g=meta.k8s.io` },
    },
    {
      name: "a table",
      send: `GET ${maps}?labelSelector=app`,
      headers: { accept: `${json};as=Table;v=v1;g=meta.k8s.io` },
      forget: ["columnDefinitions.*.description", "rows.*.cells.2"],
    },
    {
      name: "a table with objects",
      send: `GET ${maps}/a?includeObject=Object`,
      headers: { accept: `${json};as=Table;v=v1;g=meta.k8s.io` },
      forget: ["columnDefinitions.*.description", "rows.*.cells.2"],
    },
    {
      name: "a table without objects",
      send: `GET ${maps}/a?includeObject=None`,
      headers: { accept: `${json};as=Table;v=v1;g=meta.k8s.io` },
      forget: ["columnDefinitions.*.description", "rows.*.cells.2"],
    },
    {
      name: "a table of something else",
      send: `GET ${maps}/none`,
      headers: { accept: `${json};as=Table;v=v1;g=meta.k8s.io,${json}` },
    },
    { name: "a list of another namespace", send: "GET /api/v1/namespaces/differential-none/configmaps", only: names },
    { name: "compressed", send: `GET /apis/apps/v1`, headers: { "accept-encoding": "gzip" }, only: ["kind"] },
    { name: "too small to compress", send: `GET ${maps}/a`, headers: { "accept-encoding": "gzip" }, only: ["kind"] },
    { name: "the head alone", send: `HEAD ${maps}/a` },
    { name: "prettily", send: `GET ${maps}/a?pretty=true`, only: ["kind"] },
    { name: "YAML", send: `GET ${maps}/a`, headers: { accept: "application/yaml" } },
    { name: "delete some", send: `DELETE ${maps}?labelSelector=tier=web`, only: ["kind", "items.*.metadata.name"] },
    list("what is left", "labelSelector=app"),
    {
      name: "delete some, dry",
      send: `DELETE ${maps}?labelSelector=app&dryRun=All`,
      only: ["kind", "items.*.metadata.name"],
    },
    list("what is still left", "labelSelector=app"),
  ],
};
