import { type Case, configMap, type RequestStep } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const asked = (name: string, send: RequestStep["send"], more: Partial<RequestStep> = {}): RequestStep => ({
  name,
  send,
  only: ["kind"],
  ...more,
});
const posted = (name: string, body: string, type = "application/json"): RequestStep =>
  asked(name, `POST ${maps}`, { body, type });
const MEGABYTE = 1024 * 1024;

/** Requests that nobody means well, or that are too much. */
export const abuse: Case = {
  name: "abuse",
  steps: [
    asked("a name with an escape", `GET ${maps}/a%20b`),
    asked("a name that goes up", `GET ${maps}/..%2f..%2fsecrets`),
    asked("an empty name", `GET ${maps}/`, { only: ["kind"] }),
    asked("a negative limit", `GET ${maps}?limit=-1&labelSelector=none=here`),
    asked("a limit that is no number", `GET ${maps}?limit=many`),
    asked("a timeout that is no number", `GET ${maps}?timeoutSeconds=soon`),
    asked("a selector that is none", `GET ${maps}?labelSelector=a%20b%20c`),
    asked("a selector of fields that is none", `GET ${maps}?fieldSelector=a`),
    asked("a watch that is neither", `GET ${maps}?watch=perhaps&timeoutSeconds=1`),
    posted("an empty body", ""),
    posted("null", "null"),
    posted("a number", "1"),
    posted("a list", "[]"),
    posted("a string", '"a"'),
    posted("metadata that is text", '{"apiVersion":"v1","kind":"ConfigMap","metadata":"a"}'),
    posted("metadata that is a list", '{"apiVersion":"v1","kind":"ConfigMap","metadata":[]}'),
    posted("labels that are a list", '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":[]}}'),
    posted("a name that is a number", '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":1}}'),
    posted("a kind that is a number", '{"apiVersion":"v1","kind":1,"metadata":{"name":"a"}}'),
    posted("an unfinished text", '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a'),
    posted(
      "a member called __proto__",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"x"}}',
    ),
    { ...asked("it is there", `GET ${maps}/proto`), only: ["data.__proto__"] },
    posted("YAML that is none", "a: [", "application/yaml"),
    posted(
      "YAML with many names for one",
      "a: &a [x]\nb: [*a,*a]\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n",
      "application/yaml",
    ),
    posted(
      "a very deep body",
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`,
    ),
    {
      ...asked("much data", `POST ${maps}`, { body: configMap("much", { a: "x".repeat(MEGABYTE + 1) }) }),
      only: ["kind"],
    },
    {
      ...asked("far too much", `POST ${maps}`, { body: configMap("far", { a: "x".repeat(4 * MEGABYTE) }) }),
      only: ["kind"],
    },
    asked("many annotations", `POST ${maps}`, {
      body: configMap("notes", {}, { annotations: { a: "x".repeat(256 * 1024 + 1) } }),
    }),
    asked("a long name", `POST ${maps}`, { body: configMap("x".repeat(254)) }),
    asked("a method that there is not", "HEAD /api/v1/nothing", { only: [] }),
    asked("a patch of nothing", `PATCH ${maps}/none`, { body: {}, type: "application/merge-patch+json" }),
    asked("a patch without a type", `PATCH ${maps}/proto`, { body: {}, type: "text/plain" }),
    asked("a patch with many operations", `PATCH ${maps}/proto`, {
      body: Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "ConfigMap" })),
      type: "application/json-patch+json",
    }),
    asked("a copy that grows", `PATCH ${maps}/proto`, {
      body: [
        { op: "add", path: "/data/a", value: "x".repeat(900_000) },
        ...Array.from({ length: 8 }, (_, index) => ({ op: "copy", from: "/data/a", path: `/data/b${index}` })),
      ],
      type: "application/json-patch+json",
    }),
    asked("still there", `GET ${maps}/proto`),
  ],
};
