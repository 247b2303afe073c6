import { describe, expect, it } from "vitest";
import { answerQuestion } from "./dns-answer.ts";
import { buildZone } from "./dns-zone.ts";
import type { EndpointSlice, Service } from "./service-model.ts";

const service = (name: string, spec: object): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec,
});
const slice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "db-1", namespace: "shop", labels: { "kubernetes.io/service-name": "db" } },
  addressType: "IPv4",
  ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  endpoints: [
    { addresses: ["10.244.0.5"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.244.0.6"], conditions: { ready: true } },
    { addresses: ["10.244.0.7"], conditions: { ready: false } },
  ],
} as EndpointSlice;
const zone = buildZone(
  "cluster.local",
  [
    service("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }),
    service("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] }),
    service("out", { type: "ExternalName", externalName: "example.com." }),
    service("alias", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
  ],
  [slice],
);

describe("the cluster's names", () => {
  it.each([
    ["web.shop.svc.cluster.local", "A", "NOERROR", ["10.96.1.1"]],
    ["WEB.shop.SVC.cluster.local.", "A", "NOERROR", ["10.96.1.1"]],
    ["web.shop.svc.cluster.local", "AAAA", "NOERROR", []],
    [
      "_http._tcp.web.shop.svc.cluster.local",
      "SRV",
      "NOERROR",
      [{ target: "web.shop.svc.cluster.local", port: 80, priority: 0, weight: 100 }],
    ],
    ["1.1.96.10.in-addr.arpa", "PTR", "NOERROR", ["web.shop.svc.cluster.local"]],
    ["db.shop.svc.cluster.local", "A", "NOERROR", ["10.244.0.5", "10.244.0.6"]],
    ["db-0.db.shop.svc.cluster.local", "A", "NOERROR", ["10.244.0.5"]],
    ["10-244-0-6.db.shop.svc.cluster.local", "A", "NOERROR", ["10.244.0.6"]],
    ["5.0.244.10.in-addr.arpa", "PTR", "NOERROR", ["db-0.db.shop.svc.cluster.local"]],
    ["out.shop.svc.cluster.local", "A", "NOERROR", ["example.com"]],
    ["alias.shop.svc.cluster.local", "A", "NOERROR", ["web.shop.svc.cluster.local", "10.96.1.1"]],
    ["10-244-0-9.shop.pod.cluster.local", "A", "NOERROR", ["10.244.0.9"]],
    ["shop.svc.cluster.local", "A", "NOERROR", []],
    ["cluster.local", "A", "NOERROR", []],
    ["nothing.shop.svc.cluster.local", "A", "NXDOMAIN", []],
    ["web.other.svc.cluster.local", "A", "NXDOMAIN", []],
    ["example.com.svc.cluster.local", "A", "NXDOMAIN", []],
    ["9.9.9.9.in-addr.arpa", "PTR", "NXDOMAIN", []],
    ["example.com", "A", "REFUSED", []],
    ["notcluster.local", "A", "REFUSED", []],
  ])("%s %s", (name, type, rcode, data) => {
    const reply = answerQuestion(zone, { name, type });
    expect(reply.rcode).toBe(rcode);
    expect(reply.answers.map((record) => record.data)).toEqual(data);
  });

  it("adds the addresses of SRV targets", () => {
    const reply = answerQuestion(zone, { name: "_sql._tcp.db.shop.svc.cluster.local", type: "SRV" });
    expect(reply.answers).toHaveLength(2);
    expect(reply.additionals.map((record) => record.data)).toEqual(["10.244.0.5", "10.244.0.6"]);
  });

  it("does not follow aliases in circles", () => {
    const circle = buildZone(
      "cluster.local",
      [
        service("a", { type: "ExternalName", externalName: "b.shop.svc.cluster.local" }),
        service("b", { type: "ExternalName", externalName: "a.shop.svc.cluster.local" }),
      ],
      [],
    );
    expect(answerQuestion(circle, { name: "a.shop.svc.cluster.local", type: "A" }).answers.length).toBeLessThan(10);
  });
});
