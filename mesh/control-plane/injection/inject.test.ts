import { describe, expect, test } from "vitest";
import { ReviewError, readReview } from "../admission.ts";
import { reasonToSkip } from "./decide.ts";
import { injectPod } from "./inject.ts";
import { injectObject } from "./kube-inject.ts";
import type { PodDraft } from "./pod.ts";
import { defaultSettings, supportsNativeSidecars } from "./settings.ts";
import { reviewInjection } from "./webhook.ts";

const pod = (metadata: PodDraft["metadata"], spec: Partial<PodDraft["spec"]> = {}): PodDraft => ({
  metadata,
  spec: { containers: [{ name: "app", image: "slipway/apps:0.1.0" }], ...spec },
});
const context = { namespace: "shop", settings: defaultSettings };

test.each<[string, PodDraft, string, string | undefined]>([
  ["an ordinary pod", pod({}), "shop", undefined],
  ["a pod of Kubernetes itself", pod({}), "kube-system", "belongs to Kubernetes"],
  ["a pod on the node's network", pod({}, { hostNetwork: true }), "shop", "hostNetwork"],
  [
    "a pod that says no",
    pod({ labels: { "sidecar.istio.io/inject": "false" } }),
    "shop",
    "sidecar.istio.io/inject is false",
  ],
  [
    "a pod whose label says yes and annotation no",
    pod({ labels: { "sidecar.istio.io/inject": "true" }, annotations: { "sidecar.istio.io/inject": "false" } }),
    "shop",
    undefined,
  ],
  [
    "a pod that says neither",
    pod({ labels: { "sidecar.istio.io/inject": "maybe" } }),
    "shop",
    "neither true nor false",
  ],
  ["an injected pod", pod({ annotations: { "sidecar.istio.io/status": "{}" } }), "shop", "already"],
  [
    "a pod with a proxy of its own",
    pod({}, { containers: [{ name: "istio-proxy", image: "envoy" }] }),
    "shop",
    "brings its own container",
  ],
])("%s", (_, subject, namespace, reason) => {
  const skipped = reasonToSkip(subject, namespace);
  if (reason === undefined) expect(skipped).toBeUndefined();
  else expect(skipped).toContain(reason);
});

test.each([
  [{ "traffic.sidecar.istio.io/excludeInboundPorts": "http" }, '"http" is none'],
  [{ "proxy.istio.io/config": "{" }, "is not YAML"],
  [{ "inject.istio.io/templates": "grpc-agent" }, "grpc-agent"],
  [{ "status.sidecar.istio.io/port": "x" }, "whole number"],
])("annotations %o are refused", (annotations, message) => {
  expect(() => injectPod(pod({ annotations }), context)).toThrow(message);
});

test.each([
  ["1", "28", false],
  ["1", "29+", true],
  ["2", "0", true],
])("version %s.%s keeps init containers running: %s", (major, minor, expected) => {
  expect(supportsNativeSidecars({ major, minor })).toBe(expected);
});

describe("the webhook", () => {
  const log = { info: () => {} };
  const request = {
    uid: "1",
    kind: { group: "", version: "v1", kind: "Pod" },
    operation: "CREATE",
    namespace: "shop",
  } as const;

  test("answers with a patch", () => {
    const response = reviewInjection({ ...request, object: pod({}) }, { settings: () => defaultSettings, log });
    expect(response).toMatchObject({ uid: "1", allowed: true, patchType: "JSONPatch" });
    expect(JSON.parse(Buffer.from(response.patch ?? "", "base64").toString())).toBeInstanceOf(Array);
  });

  test("lets a pod without a proxy through as it is", () => {
    const object = pod({}, { hostNetwork: true });
    expect(reviewInjection({ ...request, object }, { settings: () => defaultSettings, log })).toEqual({
      uid: "1",
      allowed: true,
    });
  });

  test("says which annotation is wrong", () => {
    const object = pod({ annotations: { "inject.istio.io/templates": "x" } });
    const response = reviewInjection({ ...request, object }, { settings: () => defaultSettings, log });
    expect(response).toMatchObject({ allowed: false, status: { code: 400 } });
    expect(response.status?.message).toContain("inject.istio.io/templates");
  });

  test.each(["", "{}", '{"kind":"AdmissionReview"}'])("refuses the body %j", (body) => {
    expect(() => readReview(body)).toThrow(ReviewError);
  });
});

describe("offline", () => {
  const template = { metadata: { labels: { app: "cart" } }, spec: { containers: [{ name: "app", image: "a" }] } };

  test("the template of a Deployment gets a proxy that knows its workload", () => {
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "cart" },
      spec: { replicas: 2, template },
    };
    const text = JSON.stringify(injectObject(deployment, { settings: defaultSettings }));
    expect(text).toContain("istio-init");
    expect(text).toContain("kubernetes://apis/apps/v1/namespaces/default/deployments/cart");
    expect(text).toContain('"replicas":2');
    expect(text).not.toContain("ownerReferences");
  });

  test("so does that of a CronJob", () => {
    const cron = {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "c" },
      spec: { schedule: "*", jobTemplate: { spec: { template } } },
    };
    const text = JSON.stringify(injectObject(cron, { settings: defaultSettings }));
    expect(text).toContain("istio-proxy");
    expect(text).toContain('"schedule":"*"');
  });

  test("anything else stays as it is", () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "s" } };
    expect(injectObject(service, { settings: defaultSettings })).toBe(service);
  });
});
