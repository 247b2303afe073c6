import { expect, test } from "vitest";
import { formatBaggage, parseBaggage } from "./baggage.ts";

const cart = {
  cluster: "Kubernetes",
  namespace: "shop",
  kind: "deployment",
  workload: "cart-v1",
  service: "cart",
  version: "v1",
  region: "",
  zone: "",
};

test("is what it was made from", () => {
  const text = formatBaggage(cart);
  expect(text).toBe(
    "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=cart-v1,service.name=cart,service.version=v1",
  );
  expect(parseBaggage(text)).toEqual(cart);
});

test.each([
  ["k8s.job.name=seed;p=1 , service.name = seed", { kind: "job", workload: "seed", service: "seed" }],
  ["", { kind: "deployment", workload: "" }],
  ["=x,a,__proto__=y", { workload: "", service: "" }],
])("%j", (text, expected) => {
  expect(parseBaggage(text)).toMatchObject(expected);
});
