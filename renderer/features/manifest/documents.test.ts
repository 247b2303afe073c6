import { expect, test } from "vitest";
import { documentOf, withoutServerFields } from "./documents.ts";

const cart = { apiVersion: "v1", kind: "Service", namespace: "shop", name: "cart" };

test("the same object reads the same from the editor and from the cluster", () => {
  const edited = `# two objects
kind: ConfigMap
metadata: { name: cart }
---
spec: { selector: { app: cart } }
kind: Service
apiVersion: v1
metadata: { namespace: shop, name: cart }
`;
  const live = `apiVersion: v1
kind: Service
metadata:
  name: cart
  namespace: shop
  uid: 1b
  resourceVersion: "7"
spec:
  selector:
    app: cart
status:
  loadBalancer: {}
`;
  expect(documentOf(edited, cart)).toBe(withoutServerFields(live));
  expect(documentOf("kind: Pod\nmetadata: {name: x}\n", cart)).toBe("");
});
