import { expect, test } from "vitest";
import { objectOf } from "./config-source.ts";

test.each([
  [
    "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart",
    { apiVersion: "networking.istio.io/v1", kind: "VirtualService", namespace: "shop", name: "cart" },
  ],
  ["", undefined],
  ["default", undefined],
  ["/apis/networking.istio.io/v1/virtual-service/cart", undefined],
])("the object behind %j", (source, object) => expect(objectOf(source)).toEqual(object));
