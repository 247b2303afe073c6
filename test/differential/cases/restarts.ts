import { type Case, configMap, type RequestStep } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const create = (name: string): RequestStep => ({
  name: `create ${name}`,
  send: `POST ${maps}`,
  body: configMap(name, { a: "1" }, { labels: { of: "restarts" } }),
  quiet: true,
});
const selected = "labelSelector=of=restarts";
const names = ["items.*.metadata.name", "metadata.remainingItemCount"];

/** Lists and watches that were begun before the API server was started again. */
export const restarts: Case = {
  name: "restarts",
  needs: "loopback",
  steps: [
    ...["one", "two", "three", "four"].map(create),
    {
      name: "a page",
      send: `GET ${maps}?limit=2&${selected}`,
      only: names,
      save: { next: "metadata.continue", revision: "metadata.resourceVersion" },
    },
    {
      name: "a page without a selector",
      send: `GET ${maps}?limit=1`,
      only: ["metadata.remainingItemCount"],
      save: { all: "metadata.continue" },
    },
    {
      name: "the end of a watch",
      watch: `${maps}?watch=true&resourceVersion=$revision&${selected}`,
      take: 3,
      meanwhile: [
        {
          name: "five, while it is watched",
          send: `POST ${maps}`,
          body: configMap("five", {}, { labels: { of: "restarts" } }),
          quiet: true,
        },
        { restart: "it is started again" },
      ],
      save: { seen: "object.metadata.resourceVersion" },
    },
    { name: "what was there is there", send: `GET ${maps}?${selected}`, only: names },
    { name: "the next page", send: `GET ${maps}?limit=2&${selected}&continue=$next`, only: names },
    { name: "the next page of all", send: `GET ${maps}?limit=1&continue=$all`, only: ["items.*.metadata.name"] },
    {
      name: "an update of what was read before",
      send: `PUT ${maps}/two`,
      body: configMap("two", { a: "2" }, { resourceVersion: "$seen" }),
    },
    {
      name: "a watch with everything first",
      watch: `${maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&${selected}`,
      take: 6,
      forget: ["5.object.metadata.resourceVersion"],
    },
    {
      name: "a revision that is to come",
      send: `GET ${maps}?resourceVersion=999999999&resourceVersionMatch=NotOlderThan`,
      headers: { "x-none": "none" },
    },
    {
      name: "a watch that goes on",
      watch: `${maps}?watch=true&resourceVersion=$seen&${selected}`,
      take: 2,
      meanwhile: [
        { name: "six", send: `POST ${maps}`, body: configMap("six", {}, { labels: { of: "restarts" } }), quiet: true },
        { name: "one goes", send: `DELETE ${maps}/one`, quiet: true },
      ],
    },
  ],
};
