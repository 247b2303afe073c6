import { decode, type OptAnswer, type Packet } from "dns-packet";
import { expect, test } from "vitest";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import { AddressBook } from "../state/address-book.ts";
import { answerQuery, encodeForUdp, failure } from "./reply.ts";

const book = new AddressBook();
const bytes = (address: string): Buffer => Buffer.from(address.split(".").map(Number));

function service(hostname: string, namespace: string, addresses: readonly string[]): void {
  const value = { hostname, namespace, addresses: addresses.map((one) => ({ network: "", address: bytes(one) })) };
  const resource = Address.fromPartial({ type: { $case: "service", value } });
  book.apply({ changed: [{ name: `${namespace}/${hostname}`, resource }], removed: [] } as never);
}
function endpoint(uid: string, address: string, services: readonly string[]): void {
  const value = {
    uid,
    addresses: [bytes(address)],
    services: Object.fromEntries(services.map((key) => [key, { ports: [] }])),
  };
  const resource = Address.fromPartial({ type: { $case: "workload", value } });
  book.apply({ changed: [{ name: uid, resource }], removed: [] } as never);
}

service("cart.shop.svc.cluster.local", "shop", ["10.96.0.1"]);
service("ledger.bank.svc.cluster.local", "bank", ["10.96.0.2"]);
service("db.shop.svc.cluster.local", "shop", []);
endpoint("c//Pod/shop/db-0", "10.244.0.5", ["shop/db.shop.svc.cluster.local"]);
endpoint("c//Pod/shop/db-1", "10.244.0.6", ["shop/db.shop.svc.cluster.local"]);
service("api.partner.example", "shop", ["240.240.7.8"]);
service("*.partner.example", "shop", ["192.0.2.1"]);
service("*.eu.partner.example", "shop", ["192.0.2.2"]);
service("unaddressed.example", "shop", []);
service("both.example", "bank", ["192.0.2.3"]);
service("both.example", "shop", ["192.0.2.4"]);
service("both.example", "attic", ["192.0.2.5"]);

const query = (name: string, type = "A"): Packet =>
  ({ type: "query", id: 7, flags: 256, questions: [{ name, type }] }) as Packet;
const context = (namespace: string) => ({ book, namespace, domain: "cluster.local", random: () => 0.5 });

/** The answer as text: rcode and records, or who else is to answer. */
function ask(name: string, type = "A", namespace = "shop"): string {
  const asked = query(name, type);
  const answered = answerQuery(context(namespace), asked);
  if (answered.kind === "forward") return "forward";
  const {
    rcode,
    answers = [],
    id,
  } = decode(encodeForUdp(asked, answered.packet)) as unknown as Packet & { rcode: string };
  expect(id).toBe(7);
  return [rcode, ...answers.map((one) => `${one.name} ${one.type} ${String(Reflect.get(one, "data"))}`)].join(" | ");
}

test.each([
  ["cart.shop.svc.cluster.local", "A", "shop", "NOERROR | cart.shop.svc.cluster.local A 10.96.0.1"],
  ["CART.shop.svc.Cluster.local", "A", "shop", "NOERROR | CART.shop.svc.Cluster.local A 10.96.0.1"],
  ["cart.shop.svc.cluster.local", "AAAA", "shop", "NOERROR"],
  ["cart.shop.svc.cluster.local", "SRV", "shop", "forward"],
  ["cart", "A", "shop", "NOERROR | cart A 10.96.0.1"],
  ["cart", "A", "bank", "forward"],
  ["cart.shop", "A", "bank", "NOERROR | cart.shop A 10.96.0.1"],
  ["cart.shop.svc", "A", "bank", "NOERROR | cart.shop.svc A 10.96.0.1"],
  // A resolver tries its search domains first: the answer saves it the rest of them.
  [
    "ledger.bank.shop.svc.cluster.local",
    "A",
    "shop",
    "NOERROR | ledger.bank.shop.svc.cluster.local CNAME ledger.bank | ledger.bank A 10.96.0.2",
  ],
  [
    "api.partner.example.shop.svc.cluster.local",
    "A",
    "shop",
    "NOERROR | api.partner.example.shop.svc.cluster.local CNAME api.partner.example | api.partner.example A 240.240.7.8",
  ],
  [
    "api.partner.example.svc.cluster.local",
    "AAAA",
    "shop",
    "NOERROR | api.partner.example.svc.cluster.local CNAME api.partner.example",
  ],
  [
    "db.shop.svc.cluster.local",
    "A",
    "shop",
    "NOERROR | db.shop.svc.cluster.local A 10.244.0.5 | db.shop.svc.cluster.local A 10.244.0.6",
  ],
  ["db-0.db.shop.svc.cluster.local", "A", "shop", "forward"],
  ["api.partner.example", "A", "shop", "NOERROR | api.partner.example A 240.240.7.8"],
  ["other.partner.example", "A", "shop", "NOERROR | other.partner.example A 192.0.2.1"],
  ["a.b.eu.partner.example", "A", "shop", "NOERROR | a.b.eu.partner.example A 192.0.2.2"],
  ["partner.example", "A", "shop", "forward"],
  ["unaddressed.example", "A", "shop", "forward"],
  ["both.example", "A", "shop", "NOERROR | both.example A 192.0.2.4"],
  ["both.example", "A", "elsewhere", "NOERROR | both.example A 192.0.2.5"],
  ["nothing.shop.svc.cluster.local", "A", "shop", "forward"],
  ["example.org", "A", "shop", "forward"],
])("%s %s asked in %s: %s", (name, type, namespace, expected) => expect(ask(name, type, namespace)).toBe(expected));

test("a service that goes is forgotten, others of its name stay", () => {
  service("gone.example", "bank", ["192.0.2.6"]);
  service("gone.example", "shop", ["192.0.2.7"]);
  book.apply({ changed: [], removed: ["shop/gone.example"] } as never);
  expect(ask("gone.example")).toBe("NOERROR | gone.example A 192.0.2.6");
  book.apply({ changed: [], removed: ["bank/gone.example"] } as never);
  expect(ask("gone.example")).toBe("forward");
});

test("an answer that is too long for the client is cut", () => {
  for (let index = 0; index < 60; index++) endpoint(`m${index}`, `10.245.0.${index}`, ["shop/many.example"]);
  service("many.example", "shop", []);
  const asked = query("many.example");
  const answered = answerQuery(context("shop"), asked);
  if (answered.kind !== "reply") throw new Error("it was not answered");
  expect(decode(encodeForUdp(asked, answered.packet))).toMatchObject({ flag_tc: true, answers: [] });
  const option: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const able: Packet = { ...asked, additionals: [option] };
  expect(decode(encodeForUdp(able, answered.packet)).answers).toHaveLength(60);
});

test("nonsense is called so", () => {
  const code = (asked: Packet) => {
    const answered = answerQuery(context("shop"), asked);
    return answered.kind === "reply" ? (answered.packet.flags ?? 0) & 15 : answered.kind;
  };
  expect(code({ type: "query", id: 1, questions: [] })).toBe(1);
  expect(code({ ...query("cart"), flags: 5 << 11 })).toBe(4);
  expect((failure(query("cart"), "serverFailure").packet.flags ?? 0) & 15).toBe(2);
});
