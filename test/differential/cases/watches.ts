import { type Case, configMap } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const merge = "application/merge-patch+json";

/** Watches: from now, from a revision, through a selector, bookmarks, and what is too old. */
export const watches: Case = {
  name: "watches",
  steps: [
    {
      name: "before",
      send: `POST ${maps}`,
      body: configMap("one", {}, { labels: { watched: "yes" } }),
      save: { start: "metadata.resourceVersion" },
    },
    {
      name: "from a revision",
      watch: `${maps}?watch=1&resourceVersion=$start&fieldSelector=metadata.name!=kube-root-ca.crt`,
      take: 4,
      meanwhile: [
        { name: "create", send: `POST ${maps}`, body: configMap("two", {}, { labels: { watched: "yes" } }) },
        { name: "change", send: `PATCH ${maps}/two`, type: merge, body: { data: { a: "2" } } },
        { name: "change nothing", send: `PATCH ${maps}/two`, type: merge, body: { data: { a: "2" } } },
        { name: "delete", send: `DELETE ${maps}/two` },
        { name: "create again", send: `POST ${maps}`, body: configMap("two", {}, { labels: { watched: "yes" } }) },
      ],
    },
    {
      name: "again from that revision",
      watch: `${maps}?watch=true&resourceVersion=$start&fieldSelector=metadata.name!=kube-root-ca.crt`,
      take: 4,
    },
    {
      name: "the present state first",
      watch: `${maps}?watch=1&labelSelector=watched`,
      take: 2,
    },
    {
      name: "in and out of a selection",
      watch: `${maps}?watch=1&resourceVersion=$start&labelSelector=chosen`,
      take: 3,
      meanwhile: [
        { name: "in", send: `PATCH ${maps}/one`, type: merge, body: { metadata: { labels: { chosen: "yes" } } } },
        { name: "within", send: `PATCH ${maps}/one`, type: merge, body: { data: { b: "1" } } },
        { name: "out", send: `PATCH ${maps}/one`, type: merge, body: { metadata: { labels: { chosen: null } } } },
      ],
    },
    {
      name: "the end of the initial events",
      watch: `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=watched`,
      take: 3,
    },
    {
      name: "initial events without bookmarks",
      watch: `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&labelSelector=watched`,
      take: 2,
    },
    { name: "initial events without a match", watch: `${maps}?watch=1&sendInitialEvents=true`, take: 1 },
    { name: "too old", watch: `${maps}?watch=1&resourceVersion=1`, take: 1 },
    { name: "no revision", watch: `${maps}?watch=1&resourceVersion=x`, take: 1 },
    {
      name: "a time limit",
      watch: `${maps}?watch=1&resourceVersion=$start&timeoutSeconds=1&labelSelector=none`,
      take: 1,
    },
    {
      name: "one by its name",
      watch: `${maps}?watch=1&fieldSelector=metadata.name=one`,
      take: 1,
    },
    { name: "the old path", watch: "/api/v1/watch/namespaces/$ns/configmaps?fieldSelector=metadata.name=one", take: 1 },
    {
      name: "as tables",
      watch: `${maps}?watch=1&labelSelector=watched`,
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      take: 2,
      forget: ["*.object.columnDefinitions.*.description", "*.object.rows.*.cells.2"],
    },
    {
      name: "metadata alone",
      watch: `${maps}?watch=1&labelSelector=watched`,
      headers: { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" },
      take: 2,
    },
    { name: "a wrong selector", watch: `${maps}?watch=1&labelSelector=a%20b`, take: 1 },
  ],
};
