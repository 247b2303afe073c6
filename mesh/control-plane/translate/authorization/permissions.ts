import { Permission } from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import type { AuthorizationCondition, AuthorizationOperation } from "../../model/authorization-policy.ts";
import { type Attribute, allOf, type Logic, type RuleContext } from "./logic.ts";
import { headerMatcher, pathMatcher, range, templateMatcher, textMatcher } from "./matching.ts";

const logic: Logic<Permission> = {
  any: () => Permission.fromPartial({ rule: { $case: "any", value: true } }),
  and: (rules) => Permission.fromPartial({ rule: { $case: "andRules", value: { rules: [...rules] } } }),
  or: (rules) => Permission.fromPartial({ rule: { $case: "orRules", value: { rules: [...rules] } } }),
  not: (value) => Permission.fromPartial({ rule: { $case: "notRule", value } }),
};

const header = (name: string, ignoreCase: boolean): Attribute<Permission> => ({
  l4: false,
  match: (value) =>
    Permission.fromPartial({ rule: { $case: "header", value: headerMatcher(name, value, ignoreCase) } }),
});
const hosts = header(":authority", true);
const methods = header(":method", false);
const paths: Attribute<Permission> = {
  l4: false,
  match: (value) => {
    const matcher = /\{\*\*?\}/.test(value) ? templateMatcher(value) : pathMatcher(value);
    return Permission.fromPartial({ rule: { $case: "urlPath", value: matcher } });
  },
};
const ports: Attribute<Permission> = {
  l4: true,
  match: (value) => Permission.fromPartial({ rule: { $case: "destinationPort", value: Number(value) } }),
};
const destinationAddress: Attribute<Permission> = {
  l4: true,
  match: (value) => Permission.fromPartial({ rule: { $case: "destinationIp", value: range(value) } }),
};
const serverName: Attribute<Permission> = {
  l4: true,
  match: (value) => Permission.fromPartial({ rule: { $case: "requestedServerName", value: textMatcher(value) } }),
};

/** What is asked for. Undefined where the attributes are of HTTP and the rule cannot be kept without them. */
export function operationPermission(
  operation: AuthorizationOperation,
  conditions: readonly AuthorizationCondition[],
  context: RuleContext,
): Permission | undefined {
  return allOf(
    logic,
    [
      { attribute: hosts, values: operation.hosts, notValues: operation.notHosts },
      { attribute: methods, values: operation.methods, notValues: operation.notMethods },
      { attribute: paths, values: operation.paths, notValues: operation.notPaths },
      { attribute: ports, values: operation.ports, notValues: operation.notPorts },
      ...conditions.flatMap(({ key, values, notValues }) => {
        const attribute = conditionAttributes[key];
        return attribute === undefined ? [] : [{ attribute, values, notValues }];
      }),
    ],
    context,
  );
}

const conditionAttributes: Readonly<Record<string, Attribute<Permission>>> = {
  "destination.ip": destinationAddress,
  "destination.port": ports,
  "connection.sni": serverName,
};

export const noPermission = (): Permission => logic.not(logic.any());
