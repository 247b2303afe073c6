/** What a custom kind is called and how kubectl shows it; its schema is generated from the kind's published one. */
export interface KindDefinition {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Stored version first. */
  readonly versions: readonly string[];
  readonly columns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly path: string;
  readonly type?: "string" | "date";
}

const age: PrinterColumn = { name: "Age", path: ".metadata.creationTimestamp", type: "date" };
const istio = { categories: ["istio-io"], namespaced: true } as const;
const networking = { ...istio, group: "networking.istio.io", versions: ["v1", "v1alpha3", "v1beta1"] } as const;
const security = { ...istio, group: "security.istio.io", versions: ["v1", "v1beta1"] } as const;
const ISTIO_AND_NETWORKING = ["istio-io", "networking-istio-io"];
const ISTIO_AND_SECURITY = ["istio-io", "security-istio-io"];

/** Istio's kinds. Source: Istio's reference of custom resources (names, versions) and its installed definitions (short names, columns). */
export const istioKinds: readonly KindDefinition[] = [
  {
    ...networking,
    kind: "VirtualService",
    plural: "virtualservices",
    shortNames: ["vs"],
    categories: ISTIO_AND_NETWORKING,
    columns: [{ name: "Gateways", path: ".spec.gateways" }, { name: "Hosts", path: ".spec.hosts" }, age],
  },
  {
    ...networking,
    kind: "DestinationRule",
    plural: "destinationrules",
    shortNames: ["dr"],
    categories: ISTIO_AND_NETWORKING,
    columns: [{ name: "Host", path: ".spec.host" }, age],
  },
  {
    ...networking,
    kind: "Gateway",
    plural: "gateways",
    shortNames: ["gw"],
    categories: ISTIO_AND_NETWORKING,
    columns: [age],
  },
  {
    ...networking,
    kind: "ServiceEntry",
    plural: "serviceentries",
    shortNames: ["se"],
    categories: ISTIO_AND_NETWORKING,
    columns: [
      { name: "Hosts", path: ".spec.hosts" },
      { name: "Location", path: ".spec.location" },
      { name: "Resolution", path: ".spec.resolution" },
      age,
    ],
  },
  {
    ...networking,
    kind: "Sidecar",
    plural: "sidecars",
    shortNames: [],
    categories: ISTIO_AND_NETWORKING,
    columns: [age],
  },
  {
    ...networking,
    kind: "WorkloadEntry",
    plural: "workloadentries",
    shortNames: ["we"],
    categories: ISTIO_AND_NETWORKING,
    columns: [age, { name: "Address", path: ".spec.address" }],
  },
  {
    ...networking,
    kind: "WorkloadGroup",
    plural: "workloadgroups",
    shortNames: ["wg"],
    categories: ISTIO_AND_NETWORKING,
    columns: [age],
  },
  {
    ...networking,
    versions: ["v1alpha3"],
    kind: "EnvoyFilter",
    plural: "envoyfilters",
    shortNames: [],
    categories: ISTIO_AND_NETWORKING,
    columns: [age],
  },
  {
    ...networking,
    versions: ["v1beta1"],
    kind: "ProxyConfig",
    plural: "proxyconfigs",
    shortNames: [],
    categories: ISTIO_AND_NETWORKING,
    columns: [age],
  },
  {
    ...security,
    kind: "AuthorizationPolicy",
    plural: "authorizationpolicies",
    shortNames: ["ap"],
    categories: ISTIO_AND_SECURITY,
    columns: [{ name: "Action", path: ".spec.action" }, age],
  },
  {
    ...security,
    kind: "PeerAuthentication",
    plural: "peerauthentications",
    shortNames: ["pa"],
    categories: ISTIO_AND_SECURITY,
    columns: [{ name: "Mode", path: ".spec.mtls.mode" }, age],
  },
  {
    ...security,
    kind: "RequestAuthentication",
    plural: "requestauthentications",
    shortNames: ["ra"],
    categories: ISTIO_AND_SECURITY,
    columns: [age],
  },
  {
    ...istio,
    group: "telemetry.istio.io",
    versions: ["v1alpha1", "v1"],
    kind: "Telemetry",
    plural: "telemetries",
    shortNames: ["telemetry"],
    categories: ["istio-io", "telemetry-istio-io"],
    columns: [age],
  },
  {
    ...istio,
    group: "extensions.istio.io",
    versions: ["v1alpha1"],
    kind: "WasmPlugin",
    plural: "wasmplugins",
    shortNames: [],
    categories: ["istio-io", "extensions-istio-io"],
    columns: [age],
  },
];

const gatewayApi = { group: "gateway.networking.k8s.io", categories: ["gateway-api"], namespaced: true } as const;
const hostnames: PrinterColumn = { name: "Hostnames", path: ".spec.hostnames" };

/** Kinds of the Kubernetes Gateway API. */
export const gatewayApiKinds: readonly KindDefinition[] = [
  {
    ...gatewayApi,
    namespaced: false,
    kind: "GatewayClass",
    plural: "gatewayclasses",
    shortNames: ["gc"],
    versions: ["v1", "v1beta1"],
    columns: [
      { name: "Controller", path: ".spec.controllerName" },
      { name: "Accepted", path: '.status.conditions[?(@.type=="Accepted")].status' },
      age,
    ],
  },
  {
    ...gatewayApi,
    kind: "Gateway",
    plural: "gateways",
    shortNames: ["gtw"],
    versions: ["v1", "v1beta1"],
    columns: [
      { name: "Class", path: ".spec.gatewayClassName" },
      { name: "Address", path: ".status.addresses[*].value" },
      { name: "Programmed", path: '.status.conditions[?(@.type=="Programmed")].status' },
      age,
    ],
  },
  {
    ...gatewayApi,
    kind: "HTTPRoute",
    plural: "httproutes",
    shortNames: [],
    versions: ["v1", "v1beta1"],
    columns: [hostnames, age],
  },
  {
    ...gatewayApi,
    kind: "GRPCRoute",
    plural: "grpcroutes",
    shortNames: [],
    versions: ["v1"],
    columns: [hostnames, age],
  },
  {
    ...gatewayApi,
    kind: "TLSRoute",
    plural: "tlsroutes",
    shortNames: [],
    versions: ["v1", "v1alpha3"],
    columns: [age],
  },
  { ...gatewayApi, kind: "TCPRoute", plural: "tcproutes", shortNames: [], versions: ["v1alpha2"], columns: [age] },
  {
    ...gatewayApi,
    kind: "ReferenceGrant",
    plural: "referencegrants",
    shortNames: ["refgrant"],
    versions: ["v1beta1", "v1"],
    columns: [age],
  },
  {
    ...gatewayApi,
    kind: "BackendTLSPolicy",
    plural: "backendtlspolicies",
    shortNames: ["btlspolicy"],
    versions: ["v1"],
    columns: [age],
  },
];
