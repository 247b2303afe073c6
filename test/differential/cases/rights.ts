import { type Case, configMap, type RequestStep } from "../case.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const roles = `${rbac}/namespaces/$ns/roles`;
const bindings = `${rbac}/namespaces/$ns/rolebindings`;
const maps = "/api/v1/namespaces/$ns/configmaps";

const role = (name: string, ...rules: readonly object[]): object => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name },
  rules,
});
const rule = (resources: readonly string[], verbs: readonly string[], more: object = {}): object => ({
  apiGroups: [""],
  resources,
  verbs,
  ...more,
});
const binding = (name: string, roleName: string, kind = "Role", user = "alice"): object => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: roleName },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
});
const alice = { "impersonate-user": "alice" };
const asAlice = (name: string, send: RequestStep["send"], body?: object): RequestStep => ({
  name,
  send,
  headers: alice,
  only: ["kind"],
  ...(body === undefined ? {} : { body }),
});
const given = (name: string, ...rules: readonly object[]): readonly RequestStep[] => [
  { name: `the role ${name}`, send: `POST ${roles}`, body: role(name, ...rules), quiet: true },
  { name: `the binding ${name}`, send: `POST ${bindings}`, body: binding(name, name), quiet: true },
];
const rbacRule = (resources: readonly string[], verbs: readonly string[], more: object = {}): object =>
  rule(resources, verbs, { apiGroups: ["rbac.authorization.k8s.io"], ...more });

/** Who may do what, and who may give which rights. */
export const rights: Case = {
  name: "rights",
  steps: [
    { name: "a map", send: `POST ${maps}`, body: configMap("one"), quiet: true },
    { name: "another map", send: `POST ${maps}`, body: configMap("two"), quiet: true },
    asAlice("no rights", `GET ${maps}`),
    asAlice("no right to one", `GET ${maps}/one`),
    asAlice("no rights in the cluster", "GET /api/v1/nodes"),
    asAlice("no rights to another group", "GET /apis/apps/v1/namespaces/$ns/deployments"),
    asAlice("no right to a subresource", "GET /apis/apps/v1/namespaces/$ns/deployments/d/scale"),
    ...given("reads-one", rule(["configmaps"], ["get"], { resourceNames: ["one"] })),
    { ...asAlice("the right to one", `GET ${maps}/one`), until: { code: 200 } },
    asAlice("no right to two", `GET ${maps}/two`),
    asAlice("no right to change one", `DELETE ${maps}/one`),
    asAlice("no right to list", `GET ${maps}?fieldSelector=metadata.name=one`),
    ...given("writes-roles", rbacRule(["roles", "rolebindings"], ["create", "update", "patch", "get"])),
    {
      ...asAlice(
        "a role with what is held",
        `POST ${roles}?dryRun=All`,
        role("held", rule(["configmaps"], ["get"], { resourceNames: ["one"] })),
      ),
      until: { code: 201 },
    },
    asAlice(
      "a role with more",
      `POST ${roles}?dryRun=All`,
      role("more", rule(["configmaps"], ["get", "list"]), rule(["secrets"], ["get"])),
    ),
    asAlice(
      "a role with everything",
      `POST ${roles}?dryRun=All`,
      role("all", { apiGroups: ["*"], resources: ["*"], verbs: ["*"] }),
    ),
    asAlice("a role without rules", `POST ${roles}?dryRun=All`, role("none")),
    asAlice("a binding to what is held", `POST ${bindings}?dryRun=All`, binding("held", "reads-one", "Role", "bob")),
    asAlice("a binding to more", `POST ${bindings}?dryRun=All`, binding("more", "cluster-admin", "ClusterRole", "bob")),
    asAlice("a binding to no role", `POST ${bindings}?dryRun=All`, binding("none", "none", "Role", "bob")),
    ...given("escalates", rbacRule(["roles"], ["escalate"])),
    {
      ...asAlice(
        "a role with more, by escalation",
        `POST ${roles}?dryRun=All`,
        role("more", rule(["secrets"], ["get"])),
      ),
      until: { code: 201 },
    },
    ...given("binds", rbacRule(["clusterroles"], ["bind"], { resourceNames: ["view"] })),
    {
      ...asAlice(
        "a binding by the right to bind",
        `POST ${bindings}?dryRun=All`,
        binding("view", "view", "ClusterRole", "bob"),
      ),
      until: { code: 201 },
    },
    asAlice("a binding to another role", `POST ${bindings}?dryRun=All`, binding("edit", "edit", "ClusterRole", "bob")),
    {
      name: "who one is",
      send: "POST /apis/authentication.k8s.io/v1/selfsubjectreviews",
      headers: { "impersonate-user": "alice", "impersonate-group": "friends" },
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      only: ["status.userInfo.username", "status.userInfo.groups"],
    },
    {
      name: "a group without a user",
      send: `GET ${maps}`,
      headers: { "impersonate-group": "friends" },
      only: ["code"],
    },
    {
      name: "a token",
      send: "POST /api/v1/namespaces/$ns/serviceaccounts/default/token",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      save: { token: "status.token" },
      quiet: true,
    },
    {
      name: "whose token it is",
      send: "POST /apis/authentication.k8s.io/v1/tokenreviews",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "$token" } },
      only: ["status.authenticated", "status.user.username", "status.user.groups", "status.audiences"],
    },
    {
      name: "a token for others",
      send: "POST /apis/authentication.k8s.io/v1/tokenreviews",
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token: "$token", audiences: ["others"] },
      },
      only: ["status.authenticated", "status.audiences"],
    },
    {
      name: "no token",
      send: "POST /apis/authentication.k8s.io/v1/tokenreviews",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "abc" } },
      only: ["status.authenticated"],
    },
    {
      name: "a short token",
      send: "POST /api/v1/namespaces/$ns/serviceaccounts/default/token",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 60 } },
      only: ["kind"],
    },
    {
      name: "a token of nobody",
      send: "POST /api/v1/namespaces/$ns/serviceaccounts/nobody/token",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      only: ["kind"],
    },
  ],
};
