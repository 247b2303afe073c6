import { describe, expect, it } from "vitest";
import { isolatedPods, type Namespace, type NetworkPolicy, type Pod, withoutRanges } from "./policy-model.ts";
import { policyRules } from "./policy-rules.ts";

const pod = (
  name: string,
  address: string,
  namespace = "shop",
  labels: Record<string, string> = { app: name },
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080 }] }] },
  status: { podIP: address, phase: "Running" },
});
const pods = [
  pod("cart", "10.244.0.5"),
  pod("ledger", "10.244.0.6"),
  pod("gateway", "10.244.0.7", "istio-system"),
  pod("partner", "10.244.0.8", "example"),
];
const namespaces: readonly Namespace[] = ["shop", "istio-system", "example", "kube-system"].map((name) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
}));
const dns = {
  namespace: "kube-system",
  labels: { "k8s-app": "kube-dns" },
  address: "10.96.0.10",
  ports: [{ name: "dns", protocol: "UDP", port: 53 }],
};
const policy = (spec: NonNullable<NetworkPolicy["spec"]>, name = "p"): NetworkPolicy => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name, namespace: "shop" },
  spec,
});
const cart = { matchLabels: { app: "cart" } };

/** What may pass, as "in 10.244.0.5 from 10.244.0.6/32 tcp 8080"; an isolated pod without any such line is closed. */
function passing(...policies: NetworkPolicy[]): readonly string[] {
  return isolatedPods({ policies, pods, namespaces, dns }).flatMap(({ address, direction, allowed }) => {
    const side = direction === "ingress" ? `in ${address} from` : `out ${address} to`;
    if (allowed.length === 0) return [`${side} nobody`];
    return allowed.map(({ cidr, ports }) =>
      [
        side,
        cidr ?? "anybody",
        ports === undefined
          ? "anything"
          : `${ports.protocol} ${ports.first ?? "any"}${ports.last === ports.first ? "" : `-${ports.last}`}`,
      ].join(" "),
    );
  });
}

describe("what network policies mean", () => {
  it.each<[string, NonNullable<NetworkPolicy["spec"]>, readonly string[]]>([
    ["closes what it selects and says nothing of", { podSelector: cart }, ["in 10.244.0.5 from nobody"]],
    [
      "an empty selector selects the whole namespace",
      { podSelector: {}, policyTypes: ["Egress"] },
      ["out 10.244.0.5 to nobody", "out 10.244.0.6 to nobody"],
    ],
    [
      "rules for egress make it a policy of both directions",
      { podSelector: cart, egress: [{}] },
      ["in 10.244.0.5 from nobody", "out 10.244.0.5 to anybody anything"],
    ],
    ["selects nobody: isolates nobody", { podSelector: { matchLabels: { app: "none" } } }, []],
    [
      "podSelector alone means the policy's own namespace",
      { podSelector: cart, ingress: [{ from: [{ podSelector: {} }] }] },
      ["in 10.244.0.5 from 10.244.0.5/32 anything", "in 10.244.0.5 from 10.244.0.6/32 anything"],
    ],
    [
      "namespaceSelector alone means all of its pods",
      {
        podSelector: cart,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "example" } } }] }],
      },
      ["in 10.244.0.5 from 10.244.0.8/32 anything"],
    ],
    [
      "both in one peer mean both at once",
      {
        podSelector: cart,
        ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: "gateway" } } }] }],
      },
      ["in 10.244.0.5 from 10.244.0.7/32 anything"],
    ],
    [
      "ports: a number, a range, a name of the pod that is called, another protocol",
      {
        podSelector: cart,
        ingress: [
          { ports: [{ port: 80 }, { port: 9000, endPort: 9010 }, { port: "http" }, { port: 53, protocol: "UDP" }] },
          { ports: [{ protocol: "SCTP" }] },
        ],
      },
      [
        "in 10.244.0.5 from anybody tcp 80",
        "in 10.244.0.5 from anybody tcp 9000-9010",
        "in 10.244.0.5 from anybody tcp 8080",
        "in 10.244.0.5 from anybody udp 53",
        "in 10.244.0.5 from anybody sctp any",
      ],
    ],
    [
      "a named port of egress is looked up at those who are called",
      {
        podSelector: cart,
        policyTypes: ["Egress"],
        egress: [{ to: [{ podSelector: { matchLabels: { app: "ledger" } } }], ports: [{ port: "http" }] }],
      },
      ["out 10.244.0.5 to 10.244.0.6/32 tcp 8080"],
    ],
    [
      "blocks of addresses with what is cut out of them",
      {
        podSelector: cart,
        policyTypes: ["Egress"],
        egress: [{ to: [{ ipBlock: { cidr: "10.244.0.0/29", except: ["10.244.0.4/30"] } }] }],
      },
      ["out 10.244.0.5 to 10.244.0.0/30 anything"],
    ],
    [
      "the name service is selected like the pods that it is elsewhere",
      {
        podSelector: cart,
        policyTypes: ["Egress"],
        egress: [
          {
            to: [{ namespaceSelector: {}, podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
            ports: [{ port: 53, protocol: "UDP" }],
          },
        ],
      },
      ["out 10.244.0.5 to 10.96.0.10/32 udp 53"],
    ],
  ])("%s", (_, spec, expected) => {
    expect(passing(policy(spec))).toEqual(expected);
  });

  it("adds up", () => {
    const closed = policy({ podSelector: cart }, "closed");
    const open = policy({ podSelector: cart, ingress: [{ from: [{ podSelector: cart }] }] }, "open");
    expect(passing(closed, open)).toEqual(["in 10.244.0.5 from 10.244.0.5/32 anything"]);
  });

  it.each([
    ["10.0.0.0/8", [], ["10.0.0.0/8"]],
    ["10.0.0.0/30", ["10.0.0.1/32"], ["10.0.0.0/32", "10.0.0.2/31"]],
    ["10.0.0.0/30", ["10.0.0.0/31", "10.0.0.3/32"], ["10.0.0.2/32"]],
    ["10.0.0.0/24", ["10.0.0.0/16"], []],
    ["10.0.0.0/24", ["192.168.0.0/16"], ["10.0.0.0/24"]],
    ["fd00::/8", [], []],
  ])("%s without %j", (cidr, except, left) => {
    expect(withoutRanges(cidr, except)).toEqual(left);
  });
});

describe("rules for network policies", () => {
  it("are none where nobody is isolated", () => {
    expect(policyRules([], dns.address)).toEqual({ chains: [], rules: [] });
  });

  it("look at every packet of the one who calls, let answers pass, and drop what nothing allows", () => {
    const spec = {
      podSelector: cart,
      ingress: [{ from: [{ podSelector: cart }], ports: [{ port: 80, endPort: 90 }] }],
    };
    const { chains, rules } = policyRules(
      isolatedPods({ policies: [policy(spec)], pods, namespaces, dns }),
      dns.address,
    );
    expect(chains).toEqual(["KUBE-POLICY", "KUBE-POLICY-I-10.244.0.5"]);
    expect(rules).toEqual([
      "-A FORWARD -j KUBE-POLICY",
      "-A INPUT -d 10.96.0.10/32 -j KUBE-POLICY",
      "-A KUBE-POLICY -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN",
      "-A KUBE-POLICY -m conntrack --ctstate RELATED -j RETURN",
      "-A KUBE-POLICY -s 10.244.0.5/32 -d 10.244.0.5/32 -j RETURN",
      "-A KUBE-POLICY -d 10.244.0.5/32 -j KUBE-POLICY-I-10.244.0.5",
      '-A KUBE-POLICY-I-10.244.0.5 -s 10.244.0.5/32 -p tcp -m tcp --dport 80:90 -m comment --comment "shop/p" -j RETURN',
      "-A KUBE-POLICY-I-10.244.0.5 -j DROP",
    ]);
  });
});
