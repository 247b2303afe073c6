/** A kind as URLs name it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly namespaced: boolean;
}

const type = (apiVersion: string, resource: string, namespaced = true): ResourceType => {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash === -1 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    resource,
    namespaced,
  };
};

/** Kinds that the project's own programs use; others come from discovery. */
export const resources = {
  namespaces: type("v1", "namespaces", false),
  nodes: type("v1", "nodes", false),
  pods: type("v1", "pods"),
  services: type("v1", "services"),
  serviceAccounts: type("v1", "serviceaccounts"),
  configMaps: type("v1", "configmaps"),
  secrets: type("v1", "secrets"),
  events: type("v1", "events"),
  endpointSlices: type("discovery.k8s.io/v1", "endpointslices"),
  deployments: type("apps/v1", "deployments"),
  daemonSets: type("apps/v1", "daemonsets"),
  leases: type("coordination.k8s.io/v1", "leases"),
  subjectAccessReviews: type("authorization.k8s.io/v1", "subjectaccessreviews", false),
  tokenReviews: type("authentication.k8s.io/v1", "tokenreviews", false),
  customResourceDefinitions: type("apiextensions.k8s.io/v1", "customresourcedefinitions", false),
  mutatingWebhooks: type("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", false),
  validatingWebhooks: type("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false),
  virtualServices: type("networking.istio.io/v1", "virtualservices"),
  destinationRules: type("networking.istio.io/v1", "destinationrules"),
  gateways: type("networking.istio.io/v1", "gateways"),
  kubernetesGateways: type("gateway.networking.k8s.io/v1", "gateways"),
  gatewayClasses: type("gateway.networking.k8s.io/v1", "gatewayclasses", false),
  serviceEntries: type("networking.istio.io/v1", "serviceentries"),
  sidecars: type("networking.istio.io/v1", "sidecars"),
  workloadEntries: type("networking.istio.io/v1", "workloadentries"),
  peerAuthentications: type("security.istio.io/v1", "peerauthentications"),
  authorizationPolicies: type("security.istio.io/v1", "authorizationpolicies"),
  requestAuthentications: type("security.istio.io/v1", "requestauthentications"),
} as const satisfies Readonly<Record<string, ResourceType>>;

/** The path of a collection or, with a name, of an object. */
export function pathOf(resource: ResourceType, namespace?: string, name?: string, subresource?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.resource}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === "" ? version : `${group}/${version}`;
}
