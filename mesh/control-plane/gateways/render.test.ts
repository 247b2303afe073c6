import { expect, test } from "vitest";
import { defaultSettings } from "../injection/settings.ts";
import { classOf } from "./classes.ts";
import type { GatewayObject } from "./objects.ts";
import { renderGateway } from "./render.ts";

const gateway = (more: Partial<GatewayObject["metadata"]> = {}, spec: Partial<GatewayObject["spec"]> = {}) =>
  ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "waypoint", namespace: "shop", uid: "u-1", labels: { "istio.io/waypoint-for": "all" }, ...more },
    spec: {
      gatewayClassName: "istio-waypoint",
      listeners: [{ name: "mesh", port: 15_008, protocol: "HBONE" }],
      ...spec,
    },
  }) satisfies GatewayObject;

const waypoint = classOf("istio-waypoint")!;
const ingress = classOf("istio")!;

test("everything that is made belongs to the Gateway, and says so", () => {
  const { serviceAccount, deployment, service } = renderGateway(gateway(), waypoint, defaultSettings);
  for (const { metadata } of [serviceAccount, deployment, service]) {
    expect(metadata).toMatchObject({
      name: "waypoint",
      namespace: "shop",
      ownerReferences: [{ kind: "Gateway", name: "waypoint", uid: "u-1" }],
      labels: {
        "gateway.networking.k8s.io/gateway-name": "waypoint",
        "gateway.networking.k8s.io/gateway-class-name": "istio-waypoint",
        "gateway.istio.io/managed": "istio.io-mesh-controller",
        "istio.io/waypoint-for": "all",
      },
    });
  }
});

test("a waypoint's pod is in nobody's capture, has an account of its own and no rights on its node", () => {
  const { deployment } = renderGateway(gateway(), waypoint, defaultSettings);
  const template = deployment.spec?.template;
  expect(template?.metadata?.labels).toMatchObject({
    "sidecar.istio.io/inject": "false",
    "istio.io/dataplane-mode": "none",
  });
  expect(template?.spec?.serviceAccountName).toBe("waypoint");
  const [container] = template?.spec?.containers ?? [];
  expect(container?.args?.slice(0, 2)).toEqual(["proxy", "waypoint"]);
  expect(container?.env).toContainEqual({ name: "ISTIO_META_WORKLOAD_NAME", value: "waypoint" });
  expect(container?.securityContext).toMatchObject({
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ["ALL"] },
  });
});

test("the Service has the listeners' ports, each once, and the class's type unless another is asked for", () => {
  const listeners = [
    { name: "mesh", port: 15_008, protocol: "HBONE" },
    { name: "again", port: 15_008, protocol: "HBONE" },
  ];
  const { service } = renderGateway(gateway({}, { listeners }), waypoint, defaultSettings);
  expect(service.spec?.type).toBe("ClusterIP");
  expect(service.spec?.ports?.map(({ port }) => port)).toEqual([15_021, 15_008]);
  const typeOf = (type: string) =>
    renderGateway(gateway({ annotations: { "networking.istio.io/service-type": type } }), ingress, defaultSettings)
      .service.spec?.type;
  expect(typeOf("NodePort")).toBe("NodePort");
  expect(typeOf("nonsense")).toBe("LoadBalancer");
});

test("what the Gateway says of its infrastructure takes the place of its own labels", () => {
  const spec = { infrastructure: { labels: { team: "a" }, annotations: { note: "b" } } };
  const { deployment } = renderGateway(gateway({}, spec), waypoint, defaultSettings);
  expect(deployment.metadata.labels).toMatchObject({ team: "a" });
  expect(deployment.metadata.labels).not.toHaveProperty("istio.io/waypoint-for");
  expect(deployment.spec?.template.metadata?.annotations).toMatchObject({ note: "b" });
});

test("names of other classes than the waypoint's end in the class", () => {
  const { deployment } = renderGateway(gateway({ name: "web" }), ingress, defaultSettings);
  expect(deployment.metadata.name).toBe("web-istio");
  expect(deployment.spec?.template.spec?.containers[0]?.args?.[1]).toBe("router");
});
