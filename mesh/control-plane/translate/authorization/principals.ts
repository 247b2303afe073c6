import { Principal } from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import type { AuthorizationCondition, AuthorizationSource } from "../../model/authorization-policy.ts";
import { PAYLOAD, TOKEN_FILTER } from "../authentication/token-metadata.ts";
import { state } from "../hbone/names.ts";
import { type Attribute, allOf, type Logic, type RuleContext } from "./logic.ts";
import { headerMatcher, quoted, range, regexMatcher, textMatcher } from "./matching.ts";

const logic: Logic<Principal> = {
  any: () => Principal.fromPartial({ identifier: { $case: "any", value: true } }),
  and: (ids) => Principal.fromPartial({ identifier: { $case: "andIds", value: { ids: [...ids] } } }),
  or: (ids) => Principal.fromPartial({ identifier: { $case: "orIds", value: { ids: [...ids] } } }),
  not: (value) => Principal.fromPartial({ identifier: { $case: "notId", value } }),
};

const identity = (principalName: ReturnType<typeof textMatcher>, { tunnelled }: RuleContext): Principal => {
  if (!tunnelled) return Principal.fromPartial({ identifier: { $case: "authenticated", value: { principalName } } });
  const value = { key: state.peer, matcher: { $case: "stringMatch" as const, value: principalName } };
  return Principal.fromPartial({ identifier: { $case: "filterState", value } });
};

/** A part of an identity: `*` is any text, also at the ends of a name. */
const part = (text: string): string => text.split("*").map(quoted).join(".*");

const principal: Attribute<Principal> = {
  l4: true,
  match: (value, context) => identity(textMatcher(value, { before: "spiffe://" }), context),
};
const namespace: Attribute<Principal> = {
  l4: true,
  match: (value, context) => identity(regexMatcher(`.*/ns/${part(value)}/.*`), context),
};
const trustDomain: Attribute<Principal> = {
  l4: true,
  match: (value, context) =>
    identity(regexMatcher(`spiffe://${value.split("*").map(quoted).join("[^/]*")}/.*`), context),
};
const serviceAccount: Attribute<Principal> = {
  l4: true,
  match: (value, context) => {
    const [space, name] = value.includes("/") ? value.split("/") : [context.namespace, value];
    return identity(regexMatcher(`spiffe://.+/ns/${quoted(space ?? "")}/sa/${quoted(name ?? "")}`), context);
  },
};
const sourceAddress: Attribute<Principal> = {
  l4: true,
  match: (value) => Principal.fromPartial({ identifier: { $case: "directRemoteIp", value: range(value) } }),
};
const remoteAddress: Attribute<Principal> = {
  l4: true,
  match: (value) => Principal.fromPartial({ identifier: { $case: "remoteIp", value: range(value) } }),
};
const header = (name: string): Attribute<Principal> => ({
  l4: false,
  match: (value) => Principal.fromPartial({ identifier: { $case: "header", value: headerMatcher(name, value) } }),
});

/** Who calls, as Envoy's RBAC asks for it. Undefined where the attributes are of HTTP and the rule cannot be kept without them. */
export function sourcePrincipal(
  source: AuthorizationSource,
  conditions: readonly AuthorizationCondition[],
  context: RuleContext,
): Principal | undefined {
  return allOf(
    logic,
    [
      { attribute: principal, values: source.principals, notValues: source.notPrincipals },
      { attribute: namespace, values: source.namespaces, notValues: source.notNamespaces },
      { attribute: serviceAccount, values: source.serviceAccounts, notValues: source.notServiceAccounts },
      { attribute: trustDomain, values: source.trustDomains, notValues: source.notTrustDomains },
      { attribute: sourceAddress, values: source.ipBlocks, notValues: source.notIpBlocks },
      { attribute: remoteAddress, values: source.remoteIpBlocks, notValues: source.notRemoteIpBlocks },
      { attribute: requestPrincipal, values: source.requestPrincipals, notValues: source.notRequestPrincipals },
      ...conditions.flatMap(({ key, values, notValues }) => {
        const attribute = attributeOf(key);
        return attribute === undefined ? [] : [{ attribute, values, notValues }];
      }),
    ],
    context,
  );
}

function attributeOf(key: string): Attribute<Principal> | undefined {
  switch (key) {
    case "source.ip":
      return sourceAddress;
    case "remote.ip":
      return remoteAddress;
    case "source.namespace":
      return namespace;
    case "source.principal":
      return principal;
    case "source.trustDomain":
      return trustDomain;
    case "source.serviceAccount":
      return serviceAccount;
    case "request.auth.principal":
      return requestPrincipal;
    case "request.auth.audiences":
      return claim(["aud"]);
    case "request.auth.presenter":
      return claim(["azp"]);
    default: {
      const name = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
      if (name !== undefined) return header(name);
      const path = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key)?.[1];
      return path === undefined ? undefined : claim(path.slice(1, -1).split("]["));
    }
  }
}

/** A claim of a token that was verified; a claim that is a list holds when one of its items does. */
function claim(path: readonly string[]): Attribute<Principal> {
  return {
    l4: false,
    match: (value) => {
      const text = { matchPattern: { $case: "stringMatch" as const, value: textMatcher(value) } };
      const inList = {
        matchPattern: {
          $case: "listMatch" as const,
          value: { matchPattern: { $case: "oneOf" as const, value: text } },
        },
      };
      return logic.or([inToken(path, text), inToken(path, inList)]);
    },
  };
}

function inToken(path: readonly string[], value: object): Principal {
  return Principal.fromPartial({
    identifier: {
      $case: "metadata",
      value: {
        filter: TOKEN_FILTER,
        path: [PAYLOAD, ...path].map((key) => ({ segment: { $case: "key" as const, value: key } })),
        value,
      },
    },
  });
}

/** `issuer/subject` of a token. A wildcard covers the subject when it is at the end, the issuer when it is at the beginning. */
const requestPrincipal: Attribute<Principal> = {
  l4: false,
  match: (value) => {
    const slash = value.lastIndexOf("/");
    if (value === "*") return logic.and([present("iss"), present("sub")]);
    const [issuer, subject] =
      slash < 0 ? [value.startsWith("*") ? "*" : value, value] : [value.slice(0, slash), value.slice(slash + 1)];
    const text = (key: string, pattern: string): Principal =>
      inToken([key], { matchPattern: { $case: "stringMatch", value: textMatcher(pattern === "" ? "*" : pattern) } });
    return logic.and([text("iss", issuer), text("sub", subject)]);
  },
};

const present = (key: string): Principal =>
  inToken([key], { matchPattern: { $case: "stringMatch", value: textMatcher("*") } });
