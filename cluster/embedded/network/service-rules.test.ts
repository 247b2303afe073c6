import { describe, expect, it } from "vitest";
import { type EndpointSlice, type Service, servicePorts } from "./service-model.ts";
import { serviceRules } from "./service-rules.ts";

const options = { nodeAddresses: ["172.18.0.2"], podCidr: "10.244.0.0/16", ownAddresses: ["10.96.0.1"] };

const service = (spec: object, name = "web"): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec,
});
const slice = (endpoints: object[], name = "web"): EndpointSlice =>
  ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints,
  }) as EndpointSlice;
const http = { name: "http", port: 80 };

/** The rules with hashed chain names replaced by SVC1, SEP1, … in order of appearance. */
function rules(services: Service[], slices: EndpointSlice[]): string[] {
  const names = new Map<string, string>();
  const text = serviceRules(servicePorts(services, slices), options, { chains: [], rules: [] }).replace(
    /KUBE-(SVC|SEP)-[A-Z2-7]{16}/g,
    (chain, kind: string) => {
      const known =
        names.get(chain) ?? `${kind}${[...names.values()].filter((one) => one.startsWith(kind)).length + 1}`;
      names.set(chain, known);
      return known;
    },
  );
  return text.split("\n").filter((line) => /SVC\d|SEP\d|REJECT|NODEPORTS -d/.test(line) && line.startsWith("-A"));
}

const match = '-d 10.96.1.1/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/web:http"';
const end = (index: number, address: string): string[] => [
  `-A SEP${index} -s ${address}/32 -j KUBE-MARK-MASQ`,
  `-A SEP${index} -p tcp -m tcp -j DNAT --to-destination ${address}:8080`,
];

describe("rules for services", () => {
  it("leads a cluster IP to its only endpoint", () => {
    expect(
      rules([service({ clusterIP: "10.96.1.1", ports: [http] })], [slice([{ addresses: ["10.244.0.5"] }])]),
    ).toEqual([`-A KUBE-SERVICES ${match} -j SVC1`, "-A SVC1 -j SEP1", ...end(1, "10.244.0.5")]);
  });

  it("shares evenly between endpoints, in a stable order", () => {
    const endpoints = ["10.244.0.7", "10.244.0.5", "10.244.0.6"].map((address) => ({ addresses: [address] }));
    expect(rules([service({ clusterIP: "10.96.1.1", ports: [http] })], [slice(endpoints)])).toEqual([
      `-A KUBE-SERVICES ${match} -j SVC1`,
      "-A SVC1 -m statistic --mode random --probability 0.3333333333 -j SEP1",
      "-A SVC1 -m statistic --mode random --probability 0.5000000000 -j SEP2",
      "-A SVC1 -j SEP3",
      ...end(1, "10.244.0.5"),
      ...end(2, "10.244.0.6"),
      ...end(3, "10.244.0.7"),
    ]);
  });

  it("keeps a client at its endpoint with ClientIP affinity", () => {
    const lines = rules(
      [service({ clusterIP: "10.96.1.1", ports: [http], sessionAffinity: "ClientIP" })],
      [slice([{ addresses: ["10.244.0.5"] }])],
    );
    expect(lines).toContain("-A SVC1 -m recent --name SEP1 --rcheck --seconds 10800 --reap -j SEP1");
    expect(lines).toContain(
      "-A SEP1 -p tcp -m recent --name SEP1 --set -m tcp -j DNAT --to-destination 10.244.0.5:8080",
    );
  });

  it("opens node ports and load-balancer addresses", () => {
    const balanced = {
      ...service({ clusterIP: "10.96.1.1", type: "LoadBalancer", ports: [{ ...http, nodePort: 30_080 }] }),
      status: { loadBalancer: { ingress: [{ ip: "172.30.0.2" }] } },
    };
    const lines = rules([balanced], [slice([{ addresses: ["10.244.0.5"] }])]);
    expect(lines).toContain(
      '-A KUBE-SERVICES -d 172.30.0.2/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/web:http" -j SVC1',
    );
    expect(lines).toContain(
      '-A KUBE-NODEPORTS -d 172.18.0.2/32 -p tcp -m tcp --dport 30080 -m comment --comment "shop/web:http" -j SVC1',
    );
  });

  it.each([
    ["there is none", []],
    ["none is ready", [{ addresses: ["10.244.0.5"], conditions: { ready: false } }]],
    [
      "the only one ends and does not serve",
      [{ addresses: ["10.244.0.5"], conditions: { ready: false, serving: false, terminating: true } }],
    ],
  ])("refuses when of endpoints %s", (_, endpoints) => {
    expect(rules([service({ clusterIP: "10.96.1.1", ports: [http] })], [slice(endpoints)])).toEqual([
      '-A KUBE-SERVICES -d 10.96.1.1/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/web:http has no endpoints" -j REJECT',
    ]);
  });

  it("falls back to endpoints that still serve while they end", () => {
    const endpoints = [{ addresses: ["10.244.0.5"], conditions: { ready: false, serving: true, terminating: true } }];
    expect(rules([service({ clusterIP: "10.96.1.1", ports: [http] })], [slice(endpoints)])).toContain(
      "-A SVC1 -j SEP1",
    );
  });

  it.each([
    ["headless services", { clusterIP: "None", ports: [http] }],
    ["external names", { type: "ExternalName", externalName: "example.com" }],
    ["services without an address yet", { ports: [http] }],
    ["addresses that the node itself answers on", { clusterIP: "10.96.0.1", ports: [http] }],
  ])("leaves out %s", (_, spec) => {
    expect(rules([service(spec)], [slice([{ addresses: ["10.244.0.5"] }])])).toEqual([]);
  });
});
