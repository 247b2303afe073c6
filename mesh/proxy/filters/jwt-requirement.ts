import type { JwtRequirement } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import { IssuerError } from "../../lib/jwt/claims.ts";
import type { TokenError } from "../../lib/jwt/token.ts";

/** What became of the tokens of a provider: good, not there, or not good. */
export type TokenState = "good" | "missing" | TokenError;

/** Why a request is not let in; "good" if it is. */
export type RequirementTest = (stateOf: (provider: string) => TokenState) => TokenState;

/** Compiles what must hold of a request's tokens. Throws for providers that do not exist. Source: Envoy's jwt_authn API. */
export function compileRequirement(requirement: JwtRequirement, providers: ReadonlySet<string>): RequirementTest {
  const { requiresType } = requirement;
  const ofAll = (list: readonly JwtRequirement[]): readonly RequirementTest[] =>
    list.map((one) => compileRequirement(one, providers));
  switch (requiresType?.$case) {
    case undefined:
      return () => "good";
    case "providerName": {
      const name = requiresType.value;
      if (!providers.has(name)) throw new Error(`there is no JWT provider "${name}"`);
      return (stateOf) => stateOf(name);
    }
    case "requiresAny": {
      const { requirements } = requiresType.value;
      const mayMiss = requirements.some((one) => one.requiresType?.$case === "allowMissing");
      const regular = requirements.filter((one) => one.requiresType?.$case !== "allowMissing");
      if (regular.length > 0) return anyOf(ofAll(regular), mayMiss);
      return anyOf(ofAll(requirements), false);
    }
    case "requiresAll":
      return allOf(ofAll(requiresType.value.requirements));
    case "allowMissing":
      return (stateOf) => worst([...providers].map(stateOf).filter((state) => state !== "missing"));
    case "allowMissingOrFailed":
      return () => "good";
    case "providerAndAudiences":
      throw new Error("JWT requirements with audiences of their own are not supported");
  }
}

/** One that is good is enough; else the error that tells most: a token of another issuer tells less, a missing one least. */
function anyOf(tests: readonly RequirementTest[], mayMiss: boolean): RequirementTest {
  return (stateOf) => {
    const states = tests.map((test) => test(stateOf));
    if (states.includes("good")) return "good";
    const errors = states.filter((state) => state !== "missing");
    if (errors.length === 0) return mayMiss ? "good" : "missing";
    return errors.findLast((state) => !(state instanceof IssuerError)) ?? errors[0] ?? "missing";
  };
}

const allOf =
  (tests: readonly RequirementTest[]): RequirementTest =>
  (stateOf) =>
    worst(tests.map((test) => test(stateOf)));

const worst = (states: readonly TokenState[]): TokenState => states.find((state) => state !== "good") ?? "good";
