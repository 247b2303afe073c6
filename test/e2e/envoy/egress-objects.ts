import { rootCertificates } from "node:tls";
import type { KubeObject } from "#api/kinds/object.ts";
import { addresses, istio } from "./mesh-objects.ts";

const secret = (namespace: string): KubeObject & { data: object } => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "bank", namespace },
  data: { "ca.crt": Buffer.from(rootCertificates[0] ?? "").toString("base64") },
});

const bankTls = { mode: "SIMPLE", credentialName: "bank", sni: "bank.example", subjectAltNames: ["bank.example"] };
const names = ["*.cloud.example"];

/** One of everything with which calls leave a mesh: partner.example is one of cart's pods, nobody else need be there. */
export const egressObjects: readonly KubeObject[] = [
  secret("shop"),
  secret("istio-system"),
  istio("Sidecar", "default", { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } }),
  istio("ServiceEntry", "partner", {
    hosts: ["partner.example"],
    ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 8080 }],
    resolution: "STATIC",
    endpoints: [{ address: addresses.cartV1 }],
  }),
  istio("ServiceEntry", "bank", {
    hosts: ["bank.example"],
    ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 443 }],
    resolution: "DNS",
    endpoints: [{ address: "127.0.0.1" }],
  }),
  istio("ServiceEntry", "cloud", {
    hosts: names,
    ports: [{ number: 443, name: "tls", protocol: "TLS" }],
    resolution: "NONE",
  }),
  istio("ServiceEntry", "database", {
    hosts: ["db.example"],
    addresses: ["192.168.7.0/24"],
    ports: [{ number: 27017, name: "mongo", protocol: "MONGO" }],
    resolution: "NONE",
  }),
  istio("DestinationRule", "bank", { host: "bank.example", trafficPolicy: { tls: bankTls } }),
  istio("DestinationRule", "bank-of-storefront", {
    host: "bank.example",
    workloadSelector: { matchLabels: { app: "storefront" } },
    trafficPolicy: { tls: bankTls },
  }),
  istio("Gateway", "egress", {
    selector: { istio: "ingressgateway" },
    servers: [
      {
        port: { number: 18_443, name: "https-bank", protocol: "HTTPS" },
        hosts: ["bank.example"],
        tls: { mode: "ISTIO_MUTUAL" },
      },
      { port: { number: 18_444, name: "tls", protocol: "TLS" }, hosts: names, tls: { mode: "PASSTHROUGH" } },
    ],
  }),
  istio("VirtualService", "bank", {
    hosts: ["bank.example"],
    gateways: ["egress"],
    http: [{ route: [{ destination: { host: "bank.example", port: { number: 80 } } }] }],
  }),
  istio("VirtualService", "cloud", {
    hosts: names,
    gateways: ["mesh", "egress"],
    tls: [
      {
        match: [{ gateways: ["mesh", "egress"], sniHosts: names }],
        route: [{ destination: { host: "*.cloud.example", port: { number: 443 } } }],
      },
    ],
  }),
];
