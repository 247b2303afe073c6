import type { IMutatingWebhookConfiguration } from "kubernetes-models/admissionregistration.k8s.io/v1/MutatingWebhookConfiguration";
import type { IValidatingWebhookConfiguration } from "kubernetes-models/admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration";
import { namespaces } from "#api/names.ts";

const labels = { app: "sidecar-injector", "istio.io/rev": "default", "app.kubernetes.io/managed-by": "slipway" };
const clientConfig = (path: string): { service: { name: string; namespace: string; path: string; port: number } } => ({
  service: { name: "istiod", namespace: namespaces.system, path, port: 443 },
});
const pods = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE" as const], resources: ["pods"] }];
const common = {
  admissionReviewVersions: ["v1"],
  // A pod that should have a proxy and has none would speak plaintext: better that it waits for the control plane.
  failurePolicy: "Fail" as const,
  reinvocationPolicy: "Never" as const,
  rules: pods,
  sideEffects: "None" as const,
  timeoutSeconds: 10,
};
const never = { key: "sidecar.istio.io/inject", operator: "NotIn" as const, values: ["false"] };

/** When pods get a proxy, as Istio decides it: by the namespace's label, or by the pod's own. The caBundle is the control plane's to fill. */
export const injectorWebhook: IMutatingWebhookConfiguration = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: "istio-sidecar-injector", labels },
  webhooks: [
    {
      ...common,
      name: "namespace.sidecar-injector.istio.io",
      clientConfig: clientConfig("/inject"),
      namespaceSelector: { matchExpressions: [{ key: "istio-injection", operator: "In", values: ["enabled"] }] },
      objectSelector: { matchExpressions: [never] },
    },
    {
      ...common,
      name: "object.sidecar-injector.istio.io",
      clientConfig: clientConfig("/inject"),
      namespaceSelector: {
        matchExpressions: [
          { key: "istio-injection", operator: "DoesNotExist" },
          { key: "istio.io/rev", operator: "DoesNotExist" },
        ],
      },
      objectSelector: {
        matchExpressions: [
          { key: "sidecar.istio.io/inject", operator: "In", values: ["true"] },
          { key: "istio.io/rev", operator: "DoesNotExist" },
        ],
      },
    },
  ],
};

/** Refuses configuration that would not work. Until the control plane has put in its certificate, nothing can be judged. */
export const validatorWebhook: IValidatingWebhookConfiguration = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "istio-validator-istio-system", labels: { ...labels, app: "istiod" } },
  webhooks: [
    {
      name: "rev.validation.istio.io",
      admissionReviewVersions: ["v1"],
      clientConfig: clientConfig("/validate"),
      failurePolicy: "Ignore",
      rules: [
        {
          apiGroups: ["security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: ["*"],
        },
      ],
      sideEffects: "None",
      timeoutSeconds: 5,
    },
  ],
};
