import type { KubeObject } from "#api/kinds/object.ts";
import type { ObjectSink, ObjectSource } from "#mesh/control-plane/ingest/source.ts";

/** Objects that a test puts there itself, in place of a cluster. */
export class MemorySource implements ObjectSource {
  readonly #initial: readonly KubeObject[];
  #sink: ObjectSink | undefined;

  constructor(initial: readonly KubeObject[]) {
    this.#initial = initial;
  }

  async start(sink: ObjectSink): Promise<void> {
    this.#sink = sink;
    for (const object of this.#initial) sink.put(object);
  }

  apply(object: KubeObject): void {
    this.#sink?.put(object);
  }

  stop(): void {
    this.#sink = undefined;
  }
}

type Spec = Readonly<Record<string, unknown>>;

const shop = "shop";

const service = (name: string, namespace: string, clusterIP: string, spec: Spec): KubeObject & { spec: Spec } => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { clusterIP, ...spec },
});

interface PodFields {
  readonly namespace?: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

const pod = (
  name: string,
  { namespace = shop, address, labels }: PodFields,
): KubeObject & { spec: Spec; status: Spec } => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels },
  spec: { serviceAccountName: labels.app },
  status: { podIP: address, phase: "Running" },
});

const slice = (name: string, endpoints: readonly (readonly [string, string])[]): KubeObject & Spec => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-a`, namespace: shop, labels: { "kubernetes.io/service-name": name } },
  ports: [{ name: "http", port: 8080 }],
  endpoints: endpoints.map(([address, of]) => ({
    addresses: [address],
    conditions: { ready: true },
    targetRef: { kind: "Pod", name: of, namespace: shop },
  })),
});

const http = { ports: [{ name: "http", port: 80, targetPort: 8080 }] };

/** Addresses of the test's network; cart's versions have no proxy, storefront has one. */
export const addresses = {
  storefront: "10.244.0.11",
  cartV1: "10.244.0.12",
  cartV2: "10.244.0.13",
  cart: "10.96.0.22",
  gatewayPort: 18_080,
} as const;

export const gatewayLabels = { app: "istio-ingressgateway", istio: "ingressgateway" };

/** The shop behind a gateway: storefront (with a proxy) and cart in two versions. */
export const shopObjects: readonly KubeObject[] = [
  service("storefront", shop, "10.96.0.21", { selector: { app: "storefront" }, ...http }),
  service("cart", shop, addresses.cart, { selector: { app: "cart" }, ...http }),
  pod("storefront-1", {
    address: addresses.storefront,
    labels: { app: "storefront", version: "v1", "security.istio.io/tlsMode": "istio" },
  }),
  pod("cart-v1", { address: addresses.cartV1, labels: { app: "cart", version: "v1" } }),
  pod("cart-v2", { address: addresses.cartV2, labels: { app: "cart", version: "v2" } }),
  pod("gateway-1", { namespace: "istio-system", address: "10.244.0.10", labels: gatewayLabels }),
  slice("storefront", [[addresses.storefront, "storefront-1"]]),
  slice("cart", [
    [addresses.cartV1, "cart-v1"],
    [addresses.cartV2, "cart-v2"],
  ]),
  istio("DestinationRule", "cart", {
    host: "cart",
    subsets: [
      { name: "v1", labels: { version: "v1" } },
      { name: "v2", labels: { version: "v2" } },
    ],
  }),
  istio("Gateway", "shop", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: addresses.gatewayPort, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  istio("VirtualService", "entry", {
    hosts: ["*"],
    gateways: ["shop"],
    http: [
      {
        match: [{ uri: { prefix: "/cart" } }],
        rewrite: { uri: "/" },
        route: [{ destination: { host: "cart", subset: "v1" } }],
      },
      { match: [{ uri: { exact: "/nowhere" } }], route: [{ destination: { host: "nowhere" } }] },
      { route: [{ destination: { host: "storefront" } }], headers: { request: { set: { "x-set": "by-gateway" } } } },
    ],
  }),
  cartRoutes(100, 0),
];

export function istio(kind: string, name: string, spec: Spec): KubeObject & { spec: Spec } {
  const group = kind === "PeerAuthentication" ? "security.istio.io" : "networking.istio.io";
  return {
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, namespace: shop, resourceVersion: JSON.stringify(spec) },
    spec,
  };
}

/** The routes to cart: so many of a hundred to each version, testers to v2. */
export function cartRoutes(v1: number, v2: number): KubeObject {
  return istio("VirtualService", "cart", {
    hosts: ["cart"],
    http: [
      {
        name: "testers",
        match: [{ headers: { "x-tester": { exact: "true" } } }],
        route: [{ destination: { host: "cart", subset: "v2" } }],
      },
      {
        name: "everyone",
        route: [
          { destination: { host: "cart", subset: "v1" }, weight: v1 },
          { destination: { host: "cart", subset: "v2" }, weight: v2 },
        ],
      },
    ],
  });
}
