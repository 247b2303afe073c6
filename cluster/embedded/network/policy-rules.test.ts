import { describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { subtractRanges } from "./address-ranges.ts";
import { type NetworkPolicy, type PolicyPod, policyRules } from "./policy-rules.ts";

const pod = (name: string, namespace: string, address: string): PolicyPod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { app: name } },
  spec: { containers: [{ name: "app", ports: [{ name: "http", containerPort: 8080 }] }] },
  status: { phase: "Running", podIP: address },
});
const pods = [pod("web", "shop", "10.244.0.5"), pod("cart", "shop", "10.244.0.6"), pod("egress", "out", "10.244.0.7")];
const namespaces: KubeObject[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "out", labels: { team: "net" } } },
];
const policy = (spec: NonNullable<NetworkPolicy["spec"]>): NetworkPolicy => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "p", namespace: "shop" },
  spec,
});

/** What a policy about web lets through: the rules of its chains without what all chains have. */
function allowed(spec: Omit<NonNullable<NetworkPolicy["spec"]>, "podSelector">): readonly string[] {
  const { rules } = policyRules({
    policies: [policy({ podSelector: { matchLabels: { app: "web" } }, ...spec })],
    pods,
    namespaces,
    dnsServer: "10.96.0.10",
  });
  return rules
    .filter((rule) => rule.includes("--comment"))
    .map((rule) =>
      rule.replace(/-A SLIPWAY-(EGR|ING)-\w+ /, "$1 ").replace(' -m comment --comment "shop/p" -j RETURN', ""),
    );
}

const tcp = (port: number | string) => ` -p tcp -m tcp --dport ${port}`;

describe("rules for network policies", () => {
  it("are none where there is no policy or none that selects a pod", () => {
    expect(policyRules({ policies: [], pods, namespaces, dnsServer: "10.96.0.10" }).chains).toEqual([]);
    expect(
      policyRules({
        policies: [policy({ podSelector: { matchLabels: { app: "nobody" } } })],
        pods,
        namespaces,
        dnsServer: "10.96.0.10",
      }).rules,
    ).toEqual([]);
  });

  it("refuse everything but the pod itself and answers, for each selected pod and direction", () => {
    const { chains, rules } = policyRules({
      policies: [policy({ podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Egress"] })],
      pods,
      namespaces,
      dnsServer: "10.96.0.10",
    });
    expect(chains).toHaveLength(2);
    expect(rules.map((rule) => rule.replace(/EGR-\w+/, "EGR"))).toEqual([
      "-A FORWARD -j SLIPWAY-POLICY",
      "-A INPUT -d 10.96.0.10/32 -j SLIPWAY-POLICY",
      "-A SLIPWAY-POLICY -m conntrack --ctdir REPLY -j RETURN",
      "-A SLIPWAY-POLICY -m conntrack --ctstate RELATED -j RETURN",
      expect.stringMatching(/^-A SLIPWAY-POLICY -s 10\.244\.0\.5\/32 -j SLIPWAY-EGR/),
      "-A SLIPWAY-EGR -d 10.244.0.5/32 -j RETURN",
      "-A SLIPWAY-EGR -p tcp -j REJECT --reject-with tcp-reset",
      "-A SLIPWAY-EGR -j REJECT",
    ]);
  });

  it.each<[string, Parameters<typeof allowed>[0], readonly string[]]>([
    ["to anybody", { policyTypes: ["Egress"], egress: [{}] }, ["EGR"]],
    [
      "to pods of its namespace by a port's name",
      { policyTypes: ["Egress"], egress: [{ to: [{ podSelector: {} }], ports: [{ port: "http" }] }] },
      [`EGR -d 10.244.0.5/32${tcp(8080)}`, `EGR -d 10.244.0.6/32${tcp(8080)}`],
    ],
    [
      "to chosen pods of chosen namespaces",
      {
        policyTypes: ["Egress"],
        egress: [
          {
            to: [
              { namespaceSelector: { matchLabels: { team: "net" } }, podSelector: { matchLabels: { app: "egress" } } },
            ],
          },
        ],
      },
      ["EGR -d 10.244.0.7/32"],
    ],
    [
      "to DNS, as in any cluster",
      {
        policyTypes: ["Egress"],
        egress: [
          {
            to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } }],
            ports: [{ port: 53, protocol: "UDP" }],
          },
        ],
      },
      ["EGR -d 10.96.0.10/32 -p udp -m udp --dport 53"],
    ],
    [
      "to addresses outside, with exceptions and a range of ports",
      {
        policyTypes: ["Egress"],
        egress: [
          {
            to: [{ ipBlock: { cidr: "192.168.0.0/30", except: ["192.168.0.1/32"] } }],
            ports: [{ port: 80, endPort: 90 }],
          },
        ],
      },
      ["192.168.0.0/32", "192.168.0.2/31"].map((range) => `EGR -d ${range}${tcp("80:90")}`),
    ],
    [
      "from pods, by the name of its own port",
      {
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ podSelector: { matchLabels: { app: "cart" } } }], ports: [{ port: "http" }] }],
      },
      [`ING -s 10.244.0.6/32${tcp(8080)}`],
    ],
  ])("let through what they allow: %s", (_, spec, expected) => {
    expect(allowed(spec)).toEqual(expected);
  });
});

describe("ranges", () => {
  it.each([
    ["10.0.0.0/8", [], ["10.0.0.0/8"]],
    ["10.0.0.0/8", ["10.0.0.0/8"], []],
    ["10.0.0.0/8", ["11.0.0.0/8"], ["10.0.0.0/8"]],
    ["10.0.0.0/30", ["10.0.0.3/32"], ["10.0.0.0/31", "10.0.0.2/32"]],
    ["fd00::/8", [], undefined],
  ])("%s without %j", (cidr, excepts, expected) => {
    expect(subtractRanges(cidr, excepts)).toEqual(expected);
  });
});
