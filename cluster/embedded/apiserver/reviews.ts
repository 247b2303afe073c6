import type { ServerResponse } from "node:http";
import { asArray, asObject, asString, type Json, type JsonObject } from "../machinery/json.ts";
import type { Store } from "../store/store.ts";
import { type Identity, isAllowed, rulesFor } from "./rbac.ts";
import { sendJson } from "./request.ts";
import { API_AUDIENCE, type ServiceAccountTokens } from "./tokens.ts";

export interface ReviewContext {
  readonly store: Store;
  readonly tokens: ServiceAccountTokens;
  readonly identity: Identity;
}

/** Questions about tokens and rights, answered and not stored. False if it is no such question. */
export async function answerReview(
  resource: string,
  body: unknown,
  { store, tokens, identity }: ReviewContext & { readonly response: ServerResponse },
  response: ServerResponse,
): Promise<boolean> {
  const review = asObject(body as never);
  const spec = asObject(review.spec);
  const answer = (kind: string, apiVersion: string, status: unknown): boolean => {
    sendJson(response, 201, { kind, apiVersion, metadata: {}, spec, status });
    return true;
  };
  switch (resource) {
    case "tokenreviews": {
      const audiences = asArray(spec.audiences).map(asString);
      try {
        const found = await tokens.verify(asString(spec.token), audiences.length === 0 ? [API_AUDIENCE] : audiences);
        return answer("TokenReview", "authentication.k8s.io/v1", {
          authenticated: true,
          user: { username: found.name, uid: found.uid, groups: found.groups, extra: found.extra },
          audiences: found.audiences,
        });
      } catch (error) {
        return answer("TokenReview", "authentication.k8s.io/v1", {
          user: {},
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    case "selfsubjectreviews":
      return answer("SelfSubjectReview", "authentication.k8s.io/v1", {
        userInfo: { username: identity.name, groups: identity.groups },
      });
    case "selfsubjectrulesreviews":
      return answer("SelfSubjectRulesReview", "authorization.k8s.io/v1", {
        ...rulesOf(rulesFor(store, identity, asString(spec.namespace)), identity),
        incomplete: false,
      });
    case "selfsubjectaccessreviews":
    case "subjectaccessreviews": {
      const subject = resource.startsWith("self")
        ? identity
        : { name: asString(spec.user), groups: asArray(spec.groups).map(asString) };
      const asked = asObject(spec.resourceAttributes);
      const allowed = isAllowed(store, subject, {
        verb: asString(asked.verb),
        group: asString(asked.group),
        resource: asString(asked.resource),
        subresource: asString(asked.subresource),
        namespace: asString(asked.namespace),
        name: asString(asked.name),
      });
      return answer(
        resource.startsWith("self") ? "SelfSubjectAccessReview" : "SubjectAccessReview",
        "authorization.k8s.io/v1",
        { allowed },
      );
    }
    default:
      return false;
  }
}

/** Rules as `kubectl auth can-i --list` shows them. */
function rulesOf(rules: readonly Json[], { groups }: Identity): JsonObject {
  const all: JsonObject[] = groups.includes("system:masters")
    ? [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ]
    : rules.map(asObject);
  return {
    resourceRules: all.filter((rule) => asArray(rule.resources).length > 0),
    nonResourceRules: all.filter((rule) => asArray(rule.nonResourceURLs).length > 0),
  };
}
