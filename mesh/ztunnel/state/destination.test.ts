import { describe, expect, it } from "vitest";
import {
  Address,
  LoadBalancing_Mode,
  LoadBalancing_Scope,
  NetworkMode,
  type Service,
  TunnelProtocol,
  type Workload,
  WorkloadStatus,
} from "#gen/istio/istio/workload/workload.ts";
import { AddressBook } from "./address-book.ts";
import { findDestination } from "./destination.ts";

const bytes = (text: string): Buffer => Buffer.from(text.split(".").map(Number));
const KEY = "bank/ledger.bank.svc.cluster.local";

function workload(name: string, address: string, own: object = {}): Address {
  const value = {
    uid: `Kubernetes//Pod/bank/${name}`,
    name,
    namespace: "bank",
    serviceAccount: name,
    trustDomain: "cluster.local",
    addresses: [bytes(address)],
    tunnelProtocol: TunnelProtocol.HBONE,
    services: { [KEY]: { ports: [{ servicePort: 80, targetPort: 8080 }] } },
    ...own,
  };
  return Address.fromPartial({ type: { $case: "workload", value } });
}

function service(own: object = {}): Address {
  const value = {
    name: "ledger",
    namespace: "bank",
    hostname: "ledger.bank.svc.cluster.local",
    addresses: [{ network: "", address: bytes("10.96.0.7") }],
    ports: [{ servicePort: 80, targetPort: 8080 }],
    ...own,
  };
  return Address.fromPartial({ type: { $case: "service", value } });
}

function bookOf(...addresses: readonly Address[]): AddressBook {
  const book = new AddressBook();
  const nameOf = ({ type }: Address): string =>
    type?.$case === "workload" ? type.value.uid : `${type?.value.namespace}/${type?.value.hostname}`;
  book.apply({
    changed: addresses.map((resource) => ({ name: nameOf(resource), version: "1", resource })),
    removed: [],
  });
  return book;
}

const find = (book: AddressBook, dialled: string, options: { caller?: string; random?: number } = {}) => {
  const [address = "", port] = dialled.split(":");
  return findDestination(
    book,
    { address, port: Number(port) },
    {
      workload: options.caller === undefined ? undefined : book.workload(`Kubernetes//Pod/bank/${options.caller}`),
      random: () => options.random ?? 0,
    },
  );
};

const WAYPOINT = { namespace: "bank", hostname: "waypoint.bank.svc.cluster.local" };
const byName = { destination: { $case: "hostname", value: WAYPOINT }, hboneMtlsPort: 15008 } as const;
const byAddress = (text: string) => ({
  destination: { $case: "address", value: { network: "", address: bytes(text) } },
  hboneMtlsPort: 15008,
});

/** A waypoint's service with pods at these addresses. */
const waypoint = (...pods: readonly string[]): readonly Address[] => [
  service({
    name: "waypoint",
    hostname: WAYPOINT.hostname,
    addresses: [{ network: "", address: bytes("10.96.0.50") }],
    ports: [{ servicePort: 15008, targetPort: 15008 }],
    // All services of the namespace have it, this one too.
    waypoint: byName,
  }),
  ...pods.map((address, index) =>
    workload(`waypoint-${index}`, address, {
      serviceAccount: "waypoint",
      waypoint: byName,
      services: { [`bank/${WAYPOINT.hostname}`]: { ports: [{ servicePort: 15008, targetPort: 15008 }] } },
    }),
  ),
];

const short = (destination: ReturnType<typeof find>): string =>
  destination.kind === "none"
    ? `none: ${destination.reason}`
    : `${destination.kind} ${destination.address}:${destination.port}`;

describe("where a connection goes", () => {
  const a = workload("a", "10.244.0.5");
  const unhealthy = { status: WorkloadStatus.UNHEALTHY };
  it.each<[string, readonly Address[], string, string]>([
    ["a stranger", [], "192.0.2.1:443", "passthrough 192.0.2.1:443"],
    ["a captured pod", [a], "10.244.0.5:9000", "tunnel 10.244.0.5:9000"],
    ["a plain pod", [workload("a", "10.244.0.5", { tunnelProtocol: 0 })], "10.244.0.5:80", "plain 10.244.0.5:80"],
    [
      "a node's address",
      [workload("a", "172.18.0.2", { networkMode: NetworkMode.HOST_NETWORK })],
      "172.18.0.2:80",
      "passthrough 172.18.0.2:80",
    ],
    ["a service", [service(), a], "10.96.0.7:80", "tunnel 10.244.0.5:8080"],
    [
      "a service without endpoints",
      [service()],
      "10.96.0.7:80",
      `none: no healthy upstream: ${KEY} has no endpoint for port 80`,
    ],
    [
      "another port of a service",
      [service(), a],
      "10.96.0.7:81",
      `none: no healthy upstream: ${KEY} has no endpoint for port 81`,
    ],
    [
      "a service with one healthy endpoint",
      [service(), workload("b", "10.244.0.6", unhealthy), a],
      "10.96.0.7:80",
      "tunnel 10.244.0.5:8080",
    ],
    [
      "an endpoint with a port of its own",
      [
        service(),
        workload("a", "10.244.0.5", { services: { [KEY]: { ports: [{ servicePort: 80, targetPort: 81 }] } } }),
      ],
      "10.96.0.7:80",
      "tunnel 10.244.0.5:81",
    ],
  ])("%s", (_, addresses, dialled, expected) => {
    expect(short(find(bookOf(...addresses), dialled))).toBe(expected);
  });

  it("a pod's own service leads back to it without a tunnel", () => {
    expect(short(find(bookOf(service(), a), "10.96.0.7:80", { caller: "a" }))).toBe("plain 10.244.0.5:8080");
  });

  it("asks the peer for the workload's identity, and knows the service by the port", () => {
    expect(find(bookOf(service(), a), "10.244.0.5:8080")).toMatchObject({
      identities: ["spiffe://cluster.local/ns/bank/sa/a"],
      service: { hostname: "ledger.bank.svc.cluster.local" },
    });
  });

  it("chooses among all endpoints", () => {
    const book = bookOf(service(), a, workload("b", "10.244.0.6"));
    expect([0, 0.6].map((random) => short(find(book, "10.96.0.7:80", { random })))).toEqual([
      "tunnel 10.244.0.5:8080",
      "tunnel 10.244.0.6:8080",
    ]);
  });
});

describe("a waypoint", () => {
  const a = workload("a", "10.244.0.5");
  const led = (destination: ReturnType<typeof find>): string =>
    destination.kind === "tunnel"
      ? `${short(destination)} by ${destination.end.address}:${destination.end.port}`
      : short(destination);

  it.each<[string, readonly Address[], string, string]>([
    [
      "of a service",
      [service({ waypoint: byName }), a, ...waypoint("10.244.0.20")],
      "10.96.0.7:80",
      "tunnel 10.96.0.7:80 by 10.244.0.20:15008",
    ],
    [
      "of a service, by its address",
      [service({ waypoint: byAddress("10.96.0.50") }), a, ...waypoint("10.244.0.20")],
      "10.96.0.7:80",
      "tunnel 10.96.0.7:80 by 10.244.0.20:15008",
    ],
    [
      "of a service is none for its pods",
      [service({ waypoint: byName }), a, ...waypoint("10.244.0.20")],
      "10.244.0.5:8080",
      "tunnel 10.244.0.5:8080 by 10.244.0.5:15008",
    ],
    [
      "of a pod",
      [service(), workload("a", "10.244.0.5", { waypoint: byName }), ...waypoint("10.244.0.20")],
      "10.244.0.5:8080",
      "tunnel 10.244.0.5:8080 by 10.244.0.20:15008",
    ],
    [
      "of a pod is none for its service",
      [service(), workload("a", "10.244.0.5", { waypoint: byName }), ...waypoint("10.244.0.20")],
      "10.96.0.7:80",
      "tunnel 10.244.0.5:8080 by 10.244.0.5:15008",
    ],
    [
      "of a pod that is in no tunnel's reach",
      [workload("a", "10.244.0.5", { waypoint: byName, tunnelProtocol: 0 }), ...waypoint("10.244.0.20")],
      "10.244.0.5:8080",
      "tunnel 10.244.0.5:8080 by 10.244.0.20:15008",
    ],
    [
      "that is not there is not gone round",
      [service({ waypoint: byName }), a, ...waypoint()],
      "10.96.0.7:80",
      "none: no healthy upstream: waypoint bank/waypoint.bank.svc.cluster.local has no endpoint",
    ],
    [
      "that nobody knows is not gone round",
      [service({ waypoint: byAddress("10.96.0.51") }), a],
      "10.96.0.7:80",
      "none: no healthy upstream: waypoint 10.96.0.51 has no endpoint",
    ],
    [
      "is not before itself",
      [...waypoint("10.244.0.20")],
      "10.96.0.50:15008",
      "tunnel 10.244.0.20:15008 by 10.244.0.20:15008",
    ],
    [
      "is not before its pods",
      [...waypoint("10.244.0.20")],
      "10.244.0.20:15021",
      "tunnel 10.244.0.20:15021 by 10.244.0.20:15008",
    ],
  ])("%s", (_, addresses, dialled, expected) => {
    expect(led(find(bookOf(...addresses), dialled))).toBe(expected);
  });

  it("is passed once: what it sends itself goes straight on", () => {
    const book = bookOf(service({ waypoint: byName }), a, ...waypoint("10.244.0.20"));
    expect(led(find(book, "10.96.0.7:80", { caller: "waypoint-0" }))).toBe(
      "tunnel 10.244.0.5:8080 by 10.244.0.5:15008",
    );
  });

  it("proves its own identity", () => {
    const book = bookOf(service({ waypoint: byName }), a, ...waypoint("10.244.0.20"));
    expect(find(book, "10.96.0.7:80")).toMatchObject({
      identities: ["spiffe://cluster.local/ns/bank/sa/waypoint"],
      service: { hostname: "ledger.bank.svc.cluster.local" },
    });
  });

  it("has another pod where one does not answer, as long as there is one", () => {
    const book = bookOf(service({ waypoint: byName }), a, ...waypoint("10.244.0.20", "10.244.0.21"));
    const avoiding = (...avoid: readonly string[]) =>
      led(
        findDestination(
          book,
          { address: "10.96.0.7", port: 80 },
          { workload: undefined, random: () => 0, avoid: new Set(avoid) },
        ),
      );
    expect(avoiding("10.244.0.20")).toBe("tunnel 10.96.0.7:80 by 10.244.0.21:15008");
    expect(avoiding("10.244.0.20", "10.244.0.21")).toBe("tunnel 10.96.0.7:80 by 10.244.0.20:15008");
  });
});

describe("nearness", () => {
  const at = (zone: string, node: string, own: object = {}): Partial<Workload> => ({
    locality: { region: "r", zone, subzone: "" },
    node,
    ...own,
  });
  const routingPreference = [LoadBalancing_Scope.REGION, LoadBalancing_Scope.ZONE, LoadBalancing_Scope.NODE];
  const balanced = (mode: LoadBalancing_Mode): Partial<Service> => ({
    loadBalancing: { routingPreference, mode, healthPolicy: 0 },
  });
  const far = workload("far", "10.244.0.8", at("z2", "n3"));
  const zone = workload("zone", "10.244.0.7", at("z1", "n2"));
  const node = workload("node", "10.244.0.6", at("z1", "n1"));
  const caller = workload("caller", "10.244.0.9", at("z1", "n1", { services: {} }));
  it.each<[string, LoadBalancing_Mode, readonly Address[], string]>([
    ["failover: the same node", LoadBalancing_Mode.FAILOVER, [far, zone, node], "tunnel 10.244.0.6:8080"],
    ["failover: the same zone", LoadBalancing_Mode.FAILOVER, [far, zone], "tunnel 10.244.0.7:8080"],
    ["failover: anywhere", LoadBalancing_Mode.FAILOVER, [far], "tunnel 10.244.0.8:8080"],
    ["strict", LoadBalancing_Mode.STRICT, [far, node], "tunnel 10.244.0.6:8080"],
    [
      "strict, none near",
      LoadBalancing_Mode.STRICT,
      [far],
      `none: no healthy upstream: ${KEY} has no endpoint for port 80`,
    ],
    ["not asked for", LoadBalancing_Mode.UNSPECIFIED_MODE, [far, node], "tunnel 10.244.0.8:8080"],
  ])("%s", (_, mode, addresses, expected) => {
    const book = bookOf(service(balanced(mode)), caller, ...addresses);
    expect(short(find(book, "10.96.0.7:80", { caller: "caller" }))).toBe(expected);
  });
});

describe("the address book", () => {
  it("lets an address go to another pod, whichever change comes first", () => {
    const book = bookOf(workload("old", "10.244.0.5"));
    const fresh = workload("new", "10.244.0.5");
    book.apply({ changed: [{ name: "Kubernetes//Pod/bank/new", version: "1", resource: fresh }], removed: [] });
    book.apply({ changed: [], removed: ["Kubernetes//Pod/bank/old"] });
    expect(book.workloadAt("10.244.0.5")?.name).toBe("new");
    expect([...book.endpoints(KEY)].map(({ name }) => name)).toEqual(["new"]);
  });

  it("forgets removed services", () => {
    const book = bookOf(service());
    book.apply({ changed: [], removed: [KEY] });
    expect(book.serviceAt("10.96.0.7")).toBeUndefined();
  });
});
