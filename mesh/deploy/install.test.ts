import { describe, expect, test } from "vitest";
import { gatewayApiKinds, istioKinds } from "#api/kinds/definitions.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { meshManifests } from "./install.ts";
import { defaultValues } from "./values.ts";

const manifests = meshManifests(defaultValues);
const all = manifests.flat();
const find = (kind: string, name: string): KubeObject => {
  const found = all.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const position = (kind: string): number => manifests.findIndex((group) => group.some((object) => object.kind === kind));

describe("the installation", () => {
  test("brings every kind", () => {
    const definitions = all
      .filter(({ kind }) => kind === "CustomResourceDefinition")
      .map(({ metadata }) => metadata.name);
    const expected = [...istioKinds, ...gatewayApiKinds].map(({ plural, group }) => `${plural}.${group}`);
    expect(definitions.toSorted()).toEqual(expected.toSorted());
  });

  test("names no object twice", () => {
    const keys = all.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("makes what others need before them", () => {
    expect(position("Namespace")).toBeLessThan(position("ServiceAccount"));
    expect(position("ServiceAccount")).toBeLessThan(position("Deployment"));
    // A gateway's pod that the injector has not seen would run no image at all.
    expect(position("MutatingWebhookConfiguration")).toBeLessThan(position("Deployment"));
  });

  test("can be told from other objects, to be removed again", () => {
    for (const { metadata } of all.filter(({ kind }) => kind !== "Namespace")) {
      expect(metadata.labels).toMatchObject({
        "install.operator.istio.io/owning-resource": "slipway",
        "istio.io/rev": "default",
      });
    }
  });

  test("leaves its namespace without a revision, which would decide who injects there", () => {
    expect(find("Namespace", "istio-system").metadata.labels ?? {}).not.toHaveProperty(["istio.io/rev"]);
  });

  test("gives the control plane no right over people's workloads: what Gateways become it may write, and never delete", () => {
    const { rules } = find("ClusterRole", "istiod-clusterrole-istio-system") as KubeObject & {
      readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
    };
    const writes = rules.filter(({ verbs }) => verbs.some((verb) => !["get", "list", "watch"].includes(verb)));
    expect(writes.flatMap(({ resources }) => resources).toSorted()).toEqual([
      "*/status",
      "configmaps",
      "deployments",
      "gatewayclasses",
      "gatewayclasses/status",
      "gateways/status",
      "mutatingwebhookconfigurations",
      "serviceaccounts",
      "services",
      "services/status",
      "subjectaccessreviews",
      "tokenreviews",
      "validatingwebhookconfigurations",
    ]);
    expect(writes.flatMap(({ verbs }) => verbs)).not.toContain("delete");
  });

  test("refuses pods while nobody can inject, and lets configuration in while nobody can judge", () => {
    const policies = (object: KubeObject): readonly (string | undefined)[] =>
      (object as KubeObject & { readonly webhooks: readonly { readonly failurePolicy?: string }[] }).webhooks.map(
        ({ failurePolicy }) => failurePolicy,
      );
    expect(policies(find("MutatingWebhookConfiguration", "istio-sidecar-injector"))).toEqual(["Fail", "Fail"]);
    expect(policies(find("ValidatingWebhookConfiguration", "istio-validator-istio-system"))).toEqual(["Ignore"]);
  });
});
