import { type Case, configMap, type RequestStep } from "../case.ts";

type Fields = Readonly<Record<string, unknown>>;

const configurations = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/$ns/configmaps";
const mine = { matchLabels: { "kubernetes.io/metadata.name": "$ns" } };

/** A webhook for config maps of the case's namespace whose label `case` is its name. */
const hook = (name: string, path: string, more: Fields = {}): Fields => ({
  name: `${name}.differential.example.com`,
  clientConfig: { url: `https://$hook${path}`, caBundle: "$bundle" },
  rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  namespaceSelector: mine,
  objectSelector: { matchLabels: { case: name } },
  timeoutSeconds: 5,
  ...more,
});

const configuration = (kind: "Mutating" | "Validating", name: string, webhooks: readonly Fields[]): object => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: `${kind}WebhookConfiguration`,
  metadata: { name },
  webhooks,
});

const install = (kind: "Mutating" | "Validating", name: string, webhooks: readonly Fields[]): RequestStep => ({
  name: `install ${name}`,
  send: `POST ${configurations}/${kind.toLowerCase()}webhookconfigurations`,
  body: configuration(kind, name, webhooks),
  quiet: true,
});
const remove = (kind: "Mutating" | "Validating", name: string): RequestStep => ({
  name: `remove ${name}`,
  send: `DELETE ${configurations}/${kind.toLowerCase()}webhookconfigurations/${name}`,
  quiet: true,
});

const create = (name: string, more: Partial<RequestStep> = {}): RequestStep => ({
  name,
  send: `POST ${maps}`,
  body: configMap(name, { a: "1" }, { labels: { case: name } }),
  only: ["data", "metadata.name"],
  ...more,
});

/** Asked until the configurations are known: a moment later on a real cluster. */
const ready = (name: string): RequestStep => ({
  name: `${name} is known`,
  send: `POST ${maps}?dryRun=All`,
  body: configMap("ready", {}, { labels: { case: name } }),
  until: { text: "denied the request" },
  only: ["kind"],
});

const mutating: readonly (readonly [string, string, Fields?])[] = [
  ["allow", "/allow"],
  ["deny", "/deny"],
  ["deny-message", "/deny-message"],
  ["deny-reason", "/deny-reason"],
  ["deny-all", "/deny-all"],
  ["deny-ok", "/deny-ok"],
  ["warn", "/warn"],
  ["deny-warn", "/deny-warn"],
  ["hang", "/hang", { timeoutSeconds: 1 }],
  ["hang-ignored", "/hang", { timeoutSeconds: 1, failurePolicy: "Ignore" }],
  ["refused", "/allow", { clientConfig: { url: "https://127.0.0.1:1/allow", caBundle: "$bundle" } }],
  [
    "refused-ignored",
    "/allow",
    { clientConfig: { url: "https://127.0.0.1:1/allow", caBundle: "$bundle" }, failurePolicy: "Ignore" },
  ],
  ["other-authority", "/allow", { clientConfig: { url: "https://$hook/allow", caBundle: "$other" } }],
  ["no-service", "/allow", { clientConfig: { service: { namespace: "$ns", name: "none" }, caBundle: "$bundle" } }],
  ["error-500", "/500"],
  ["error-404", "/404"],
  ["error-status", "/status"],
  ["error-ignored", "/500", { failurePolicy: "Ignore" }],
  ["text", "/text"],
  ["no-json", "/no-json"],
  ["empty", "/empty"],
  ["no-review", "/no-review"],
  ["no-response", "/no-response"],
  ["no-response-ignored", "/no-response", { failurePolicy: "Ignore" }],
  ["other-uid", "/other-uid"],
  ["no-uid", "/no-uid"],
  ["other-version", "/other-version"],
  ["patch", "/patch"],
  ["patch-twice", "/patch-twice"],
  ["patch-none", "/patch-none"],
  ["patch-undecodable", "/patch-undecodable"],
  ["patch-undecodable-ignored", "/patch-undecodable", { failurePolicy: "Ignore" }],
  ["patch-missing", "/patch-missing"],
  ["patch-missing-ignored", "/patch-missing", { failurePolicy: "Ignore" }],
  ["patch-invalid", "/patch-invalid"],
  ["patch-type", "/patch-type"],
  ["patch-name", "/patch-name"],
  ["patch-without-type", "/patch-without-type"],
  ["type-without-patch", "/type-without-patch"],
  ["other-patch-type", "/other-patch-type"],
  ["condition-true", "/deny", { matchConditions: [{ name: "data", expression: "object.data['a'] == '1'" }] }],
  ["condition-false", "/deny", { matchConditions: [{ name: "data", expression: "object.data['a'] == '2'" }] }],
  [
    "conditions",
    "/deny",
    {
      matchConditions: [
        { name: "who", expression: "'system:masters' in request.userInfo.groups" },
        { name: "what", expression: "request.operation == 'CREATE' && request.resource.resource == 'configmaps'" },
        { name: "old", expression: "oldObject == null" },
      ],
    },
  ],
  ["condition-fails", "/deny", { matchConditions: [{ name: "fails", expression: "object.data['none'] == '1'" }] }],
  [
    "condition-fails-ignored",
    "/deny",
    { matchConditions: [{ name: "fails", expression: "object.data['none'] == '1'" }], failurePolicy: "Ignore" },
  ],
  [
    "condition-false-and-fails",
    "/deny",
    {
      matchConditions: [
        { name: "fails", expression: "object.data['none'] == '1'" },
        { name: "false", expression: "false" },
      ],
    },
  ],
  ["echo", "/echo"],
];

const validating: readonly (readonly [string, string, Fields?])[] = [
  ["v-allow", "/allow"],
  ["v-deny", "/deny"],
  ["v-warn", "/warn"],
  ["v-patch", "/patch"],
  ["v-hang", "/hang", { timeoutSeconds: 1 }],
  ["v-hang-ignored", "/hang", { timeoutSeconds: 1, failurePolicy: "Ignore" }],
  ["v-error", "/500"],
  ["v-no-response", "/no-response"],
];

/** Admission webhooks that allow, deny, change, warn, fail and do not answer. */
export const webhooks: Case = {
  name: "webhooks",
  needs: "loopback",
  steps: [
    install(
      "Mutating",
      "differential-m",
      mutating.map(([name, path, more]) => hook(name, path, more)),
    ),
    install(
      "Validating",
      "differential-v",
      validating.map(([name, path, more]) => hook(name, path, more)),
    ),
    ready("deny"),
    ready("v-deny"),
    { ...create("allow"), only: ["data", "metadata.name", "metadata.managedFields"] },
    ...mutating.slice(1).map(([name]) => create(name)),
    { ...create("patch", { name: "who changed it" }), send: `GET ${maps}/patch`, only: ["metadata.managedFields"] },
    ...validating.map(([name]) => create(name)),
    create("dry-run", {
      send: `POST ${maps}?dryRun=All`,
      body: configMap("dry", { a: "1" }, { labels: { case: "echo" } }),
    }),
    create("a generated name", {
      body: { ...configMap("x"), metadata: { generateName: "echo-", labels: { case: "echo" } } },
      only: ["data"],
    }),
    remove("Mutating", "differential-m"),
    remove("Validating", "differential-v"),
  ],
};

const rule = (resources: readonly string[], more: Fields = {}): Fields => ({
  apiGroups: ["*"],
  apiVersions: ["*"],
  resources,
  operations: ["*"],
  ...more,
});

/** Which requests webhooks are asked about, in which order, and again. */
export const webhookRules: Case = {
  name: "webhook-rules",
  needs: "loopback",
  steps: [
    install("Mutating", "differential-b", [
      hook("order", "/second"),
      hook("again", "/count", { reinvocationPolicy: "IfNeeded" }),
      hook("once", "/count", { reinvocationPolicy: "Never" }),
      hook("late", "/first", { objectSelector: { matchLabels: { case: "again" } } }),
      hook("late-once", "/first", { objectSelector: { matchLabels: { case: "once" } } }),
    ]),
    install("Mutating", "differential-a", [
      hook("order-a", "/first", { objectSelector: { matchLabels: { case: "order" } } }),
    ]),
    install("Validating", "differential-w", [
      hook("ready", "/deny"),
      hook("updates", "/echo-deny", { rules: [rule(["configmaps"], { operations: ["UPDATE"] })] }),
      hook("deletions", "/echo-deny", { rules: [rule(["configmaps"], { operations: ["DELETE"] })] }),
      hook("subresources", "/echo-deny", { rules: [rule(["deployments/scale", "deployments/status"])] }),
      hook("scopes", "/echo-deny", { rules: [rule(["configmaps"], { scope: "Cluster" })] }),
      hook("expressions", "/deny", {
        objectSelector: {
          matchExpressions: [
            { key: "case", operator: "In", values: ["expressions", "other"] },
            { key: "not", operator: "DoesNotExist" },
          ],
        },
      }),
      hook("namespaces", "/deny", {
        namespaceSelector: { matchLabels: { nothing: "here" } },
      }),
      hook("connect", "/echo-deny", {
        objectSelector: {},
        rules: [rule(["pods/*", "serviceaccounts/token"], { operations: ["CONNECT", "CREATE"] })],
      }),
    ]),
    ready("ready"),
    create("order"),
    create("again"),
    create("once"),
    create("updates"),
    {
      name: "an update",
      send: `PATCH ${maps}/updates`,
      type: "application/merge-patch+json",
      body: { data: { a: "2" } },
    },
    {
      name: "an update of labels that did match",
      send: `PATCH ${maps}/updates`,
      type: "application/merge-patch+json",
      body: { metadata: { labels: { case: null } } },
    },
    {
      name: "a dry update",
      send: `PUT ${maps}/updates?dryRun=All&fieldManager=me`,
      body: configMap("updates", { a: "3" }, { labels: { case: "updates" } }),
    },
    create("deletions"),
    { name: "a deletion", send: `DELETE ${maps}/deletions?propagationPolicy=Background` },
    { name: "a deletion of many", send: `DELETE ${maps}?labelSelector=case=deletions` },
    create("scopes"),
    create("expressions"),
    create("expressions and more", {
      body: configMap("more", { a: "1" }, { labels: { case: "expressions", not: "" } }),
    }),
    create("namespaces"),
    {
      name: "a deployment",
      send: "POST /apis/apps/v1/namespaces/$ns/deployments",
      quiet: true,
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "d", labels: { case: "subresources" } },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: "d" } },
          template: { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image: "i" }] } },
        },
      },
    },
    {
      name: "a status",
      send: "PATCH /apis/apps/v1/namespaces/$ns/deployments/d/status",
      type: "application/merge-patch+json",
      body: { status: { replicas: 1 } },
    },
    {
      name: "a token",
      send: "POST /api/v1/namespaces/$ns/serviceaccounts/default/token",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: ["me"] } },
    },
    remove("Mutating", "differential-a"),
    remove("Mutating", "differential-b"),
    remove("Validating", "differential-w"),
  ],
};

const judged = (name: string, more: Fields, kind: "Mutating" | "Validating" = "Mutating"): RequestStep => ({
  name,
  send: `POST ${configurations}/${kind.toLowerCase()}webhookconfigurations?dryRun=All`,
  body: configuration(kind, "$ns-judged", [
    {
      name: "a.b.example.com",
      clientConfig: { url: "https://example.com/" },
      rules: [rule(["configmaps"])],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      ...more,
    },
  ]),
  only: ["kind"],
});

/** Which configurations of webhooks are taken. */
export const webhookConfigurations: Case = {
  name: "webhook-configurations",
  steps: [
    { ...judged("defaults", {}), only: ["webhooks"] },
    { ...judged("defaults of a validating one", {}, "Validating"), only: ["webhooks"] },
    {
      ...judged("defaults of a service", { clientConfig: { service: { name: "a", namespace: "b" } } }),
      only: ["webhooks"],
    },
    judged("a name without dots", { name: "a" }),
    judged("no name", { name: undefined }),
    judged("a name that is none", { name: "A_B.example.com" }),
    judged("no side effects said", { sideEffects: undefined }),
    judged("side effects", { sideEffects: "Some" }),
    judged("side effects that are none", { sideEffects: "Maybe" }),
    judged("no versions", { admissionReviewVersions: [] }),
    judged("versions left out", { admissionReviewVersions: undefined }),
    judged("unknown versions", { admissionReviewVersions: ["v9"] }),
    judged("a version twice", { admissionReviewVersions: ["v1", "v1"] }),
    judged("no place", { clientConfig: {} }),
    judged("two places", { clientConfig: { url: "https://example.com/", service: { name: "a", namespace: "b" } } }),
    judged("not encrypted", { clientConfig: { url: "http://example.com/" } }),
    judged("a URL with a query", { clientConfig: { url: "https://example.com/?a=b" } }),
    judged("a URL with a fragment", { clientConfig: { url: "https://example.com/#a" } }),
    judged("a URL with a user", { clientConfig: { url: "https://me@example.com/" } }),
    judged("a URL without a host", { clientConfig: { url: "https:///a" } }),
    judged("a URL that is none", { clientConfig: { url: "%" } }),
    judged("a service without a name", { clientConfig: { service: { namespace: "b" } } }),
    judged("a service without a namespace", { clientConfig: { service: { name: "a" } } }),
    judged("a port that is none", { clientConfig: { service: { name: "a", namespace: "b", port: 70000 } } }),
    judged("a path that is none", { clientConfig: { service: { name: "a", namespace: "b", path: "a" } } }),
    judged("an authority that is none", { clientConfig: { url: "https://example.com/", caBundle: "YQ==" } }),
    judged("no time", { timeoutSeconds: 0 }),
    judged("much time", { timeoutSeconds: 31 }),
    judged("an unknown failure policy", { failurePolicy: "Some" }),
    judged("an unknown match policy", { matchPolicy: "Some" }),
    judged("an unknown reinvocation policy", { reinvocationPolicy: "Some" }),
    judged("no operations", { rules: [rule(["a"], { operations: [] })] }),
    judged("an unknown operation", { rules: [rule(["a"], { operations: ["WATCH"] })] }),
    judged("all operations and one", { rules: [rule(["a"], { operations: ["*", "CREATE"] })] }),
    judged("no groups", { rules: [rule(["a"], { apiGroups: [] })] }),
    judged("all groups and one", { rules: [rule(["a"], { apiGroups: ["*", "a"] })] }),
    judged("no versions of a rule", { rules: [rule(["a"], { apiVersions: [] })] }),
    judged("no resources", { rules: [rule([])] }),
    judged("all resources and one", { rules: [rule(["*", "a"])] }),
    judged("all of a resource and one", { rules: [rule(["a/*", "a/b"])] }),
    judged("an unknown scope", { rules: [rule(["a"], { scope: "Some" })] }),
    judged("a selector that is none", { objectSelector: { matchExpressions: [{ key: "a", operator: "Is" }] } }),
    judged("a condition", { matchConditions: [{ name: "a", expression: "request.name == 'a'" }] }),
    judged("a condition without a name", { matchConditions: [{ expression: "true" }] }),
    judged("a condition without an expression", { matchConditions: [{ name: "a" }] }),
    judged("a condition twice", {
      matchConditions: [
        { name: "a", expression: "true" },
        { name: "a", expression: "true" },
      ],
    }),
    judged("a condition that is no expression", { matchConditions: [{ name: "a", expression: "request.nothing" }] }),
    judged("a condition that is a number", { matchConditions: [{ name: "a", expression: "1" }] }),
    judged("a condition about anything", {
      matchConditions: [{ name: "a", expression: "has(object.spec) && object.spec.x == 1 && oldObject == null" }],
    }),
    judged("a condition that asks for rights", {
      matchConditions: [
        { name: "a", expression: "!authorizer.group('').resource('pods').namespace('a').check('get').allowed()" },
      ],
    }),
    {
      name: "the same name twice",
      send: `POST ${configurations}/validatingwebhookconfigurations?dryRun=All`,
      body: configuration("Validating", "$ns-judged", [hook("a", "/"), hook("a", "/")]),
      only: ["kind"],
    },
    { ...judged("no rules", { rules: [] }), only: ["webhooks"] },
  ],
};
