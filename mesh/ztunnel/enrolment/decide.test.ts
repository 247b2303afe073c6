import type { IPod } from "kubernetes-models/v1/Pod";
import { expect, test } from "vitest";
import { capturesDns, decideEnrolment, probedPorts } from "./decide.ts";

const ambient = { "istio.io/dataplane-mode": "ambient" };
const running = { phase: "Running", podIP: "10.244.0.7" };
const main = { name: "main" };

test.each<[string, { metadata?: object; spec?: object; status?: object }, Record<string, string>, boolean]>([
  ["nobody asks", {}, {}, false],
  ["the namespace asks", {}, ambient, true],
  ["the pod asks", { metadata: { labels: ambient } }, {}, true],
  ["the pod does not want to", { metadata: { labels: { "istio.io/dataplane-mode": "none" } } }, ambient, false],
  ["the pod refuses", { metadata: { annotations: { "ambient.istio.io/redirection": "disabled" } } }, ambient, false],
  ["captured already", { metadata: { annotations: { "ambient.istio.io/redirection": "enabled" } } }, ambient, true],
  ["on the node's network", { spec: { hostNetwork: true, containers: [main] } }, ambient, false],
  ["with a sidecar", { spec: { containers: [main], initContainers: [{ name: "istio-proxy" }] } }, ambient, false],
  ["injected", { metadata: { annotations: { "sidecar.istio.io/status": "{}" } } }, ambient, false],
  ["ended", { status: { phase: "Succeeded", podIP: "10.244.0.7" } }, ambient, false],
  ["without an address yet", { status: { phase: "Pending" } }, ambient, false],
])("%s", (_, pod, labels, enrolled) => {
  const whole = { spec: { containers: [main] }, status: running, ...pod } as IPod;
  expect(decideEnrolment(whole, labels).enrolled).toBe(enrolled);
});

test.each([
  [undefined, true, true],
  [undefined, false, false],
  ["true", false, true],
  ["false", true, false],
  ["perhaps", true, true],
])("DNS is captured: annotation %s, otherwise %s: %s", (value, fallback, expected) => {
  const annotations = value === undefined ? {} : { "ambient.istio.io/dns-capture": value };
  expect(capturesDns({ metadata: { annotations } } as IPod, fallback)).toBe(expected);
});

test("probes by number and by name", () => {
  const ports = probedPorts({
    apiVersion: "v1",
    kind: "Pod",
    spec: {
      containers: [
        {
          name: "main",
          ports: [{ name: "health", containerPort: 9000 }],
          livenessProbe: { httpGet: { port: "health" } },
          readinessProbe: { tcpSocket: { port: 8080 } },
          startupProbe: { exec: { command: ["true"] } },
        },
      ],
    },
  });
  expect([...ports]).toEqual([9000, 8080]);
});
