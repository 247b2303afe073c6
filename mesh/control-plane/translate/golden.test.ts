import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { Authorization } from "#gen/istio/istio/security/authorization.ts";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { toEnvoyJson } from "#mesh/lib/xds/any-json.ts";
import { ConfigStore } from "../ingest/store.ts";
import type { ProxyNode } from "../model/snapshot.ts";
import { ConsistencyChecker } from "../xds/consistency.ts";
import { Memo } from "./memo.ts";
import { findProblems } from "./problems.ts";
import { type ProxyResources, translate } from "./translate.ts";

/** Each *.in.yaml is manifests and the proxies that ask; GOLDEN=write rewrites the *.out.yaml beside it. */
const folder = join(dirname(fileURLToPath(import.meta.url)), "testdata");

const proxyInput = z.object({
  type: z.enum(["sidecar", "router", "waypoint", "ztunnel"]),
  name: z.string(),
  namespace: z.string(),
  address: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  ports: z.record(z.string(), z.number()).default({}),
  hbone: z.boolean().default(false),
});
const head = z.object({ proxies: z.array(proxyInput) });

function read(file: string): { proxies: readonly ProxyNode[]; objects: readonly KubeObject[] } {
  const [first, ...rest] = parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as unknown);
  const proxies = head.parse(first).proxies.map(({ address, ...proxy }) => ({
    ...proxy,
    id: `${proxy.name}.${proxy.namespace}`,
    addresses: [address],
    version: "test",
    intercepts: true,
    readsSecrets: true,
  }));
  return { proxies, objects: rest as readonly KubeObject[] };
}

const readable = (resources: ProxyResources): unknown =>
  resources.addresses.size > 0 ? readableAmbient(resources) : readableEnvoy(resources);

const readableAmbient = ({ addresses, authorizations }: ProxyResources): unknown => ({
  addresses: Object.fromEntries([...addresses].map(([name, one]) => [name, Address.toJSON(one)])),
  authorizations: Object.fromEntries([...authorizations].map(([name, one]) => [name, Authorization.toJSON(one)])),
});

const readableEnvoy = (resources: ProxyResources): unknown => ({
  clusters: [...resources.clusters.values()].map((cluster) => toEnvoyJson(Cluster.toJSON(cluster))),
  endpoints: [...resources.endpoints.values()].map((one) => toEnvoyJson(ClusterLoadAssignment.toJSON(one))),
  listeners: [...resources.listeners.values()].map((listener) => toEnvoyJson(Listener.toJSON(listener))),
  routes: [...resources.routes.values()].map((routes) => toEnvoyJson(RouteConfiguration.toJSON(routes))),
  ...(resources.secrets.size === 0
    ? {}
    : { secrets: [...resources.secrets.values()].map((secret) => toEnvoyJson(Secret.toJSON(secret))) }),
});

describe("translation", () => {
  for (const file of globSync("*.in.yaml", { cwd: folder })) {
    it(file, async () => {
      const { proxies, objects } = read(join(folder, file));
      const store = new ConfigStore();
      for (const object of objects) store.put(object);
      const snapshot = store.build();
      const memo = new Memo();
      const translated = proxies.map((proxy) => [proxy.id, translate(snapshot, proxy, memo)] as const);
      for (const [, resources] of translated) expect(new ConsistencyChecker().check(resources)).toEqual([]);
      const problems = [...store.problems, ...findProblems(snapshot)].map(
        ({ object, message }) => `${object.kind}/${object.namespace}/${object.name}: ${message}`,
      );
      const output = { proxies: Object.fromEntries(translated.map(([id, one]) => [id, readable(one)])), problems };
      const text = stringify(output, { lineWidth: 0, aliasDuplicateObjects: false });
      const golden = join(folder, file.replace(".in.yaml", ".out.yaml"));
      if (process.env.GOLDEN === "write") writeFileSync(golden, text);
      expect(text).toBe(readFileSync(golden, "utf8"));
      const again = translate(snapshot, proxies[0]!, memo);
      expect(
        [...again.clusters.values()].every((cluster) => translated[0]?.[1].clusters.get(cluster.name) === cluster),
      ).toBe(true);
    });
  }
});
