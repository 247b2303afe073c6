import { BlockList, isIPv6 } from "node:net";
import {
  Action,
  type Address,
  type Authorization,
  type Match,
  Scope,
  type StringMatch,
} from "#gen/istio/istio/security/authorization.ts";
import { parseSpiffeId } from "#mesh/lib/identity/spiffe.ts";
import type { ResourceChanges } from "#mesh/lib/xds/resource-type.ts";
import { addressText } from "./address-text.ts";

/** What is known of a connection when it is decided whether it may be. */
export interface ConnectionFacts {
  /** SPIFFE id that the caller's certificate proves; undefined for plaintext. */
  readonly identity: string | undefined;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** Whose policies count. */
export interface PolicyTarget {
  readonly namespace: string;
  /** "namespace/name" of those that select the workload. */
  readonly authorizationPolicies: readonly string[];
}

export type Verdict =
  /** `policy` is the one that matched; undefined where no policy had to. */
  | { readonly allowed: true; readonly policy: string | undefined }
  | { readonly allowed: false; readonly policy: string | undefined; readonly reason: string };

interface Compiled {
  readonly key: string;
  readonly action: Action;
  matches(facts: ConnectionFacts): boolean;
}

type Test = (facts: ConnectionFacts) => boolean;

const ALLOWED: Verdict = { allowed: true, policy: undefined };

/** All policies of the mesh, and what they say of a connection. */
export class Policies {
  readonly #sources = new Map<string, Authorization>();
  readonly #compiled = new Map<string, Compiled>();
  readonly #global = new Set<string>();
  readonly #byNamespace = new Map<string, Set<string>>();

  apply({ changed, removed }: ResourceChanges<Authorization>): void {
    for (const name of removed) this.#remove(name);
    for (const { name, resource } of changed) {
      this.#remove(name);
      this.#add(name, resource);
    }
  }

  get all(): Iterable<Authorization> {
    return this.#sources.values();
  }

  /**
   * A policy that denies wins; where there are policies that allow, one of them has to match; without any, everybody may. Source:
   * Istio's AuthorizationPolicy reference. A policy that is named but has not arrived is none yet.
   */
  check(target: PolicyTarget, facts: ConnectionFacts): Verdict {
    const policies = this.#of(target);
    const denying = policies.find(({ action, matches }) => action === Action.DENY && matches(facts));
    if (denying !== undefined)
      return { allowed: false, policy: denying.key, reason: `explicitly denied by: ${denying.key}` };
    const allowing = policies.filter(({ action }) => action === Action.ALLOW);
    if (allowing.length === 0) return ALLOWED;
    const match = allowing.find(({ matches }) => matches(facts));
    if (match !== undefined) return { allowed: true, policy: match.key };
    return { allowed: false, policy: undefined, reason: "allow policies exist, but none allowed" };
  }

  #of({ namespace, authorizationPolicies }: PolicyTarget): readonly Compiled[] {
    const keys = new Set([...this.#global, ...(this.#byNamespace.get(namespace) ?? []), ...authorizationPolicies]);
    return [...keys].flatMap((key) => this.#compiled.get(key) ?? []);
  }

  #add(key: string, authorization: Authorization): void {
    this.#sources.set(key, authorization);
    this.#compiled.set(key, { key, action: authorization.action, matches: compile(authorization) });
    if (authorization.scope === Scope.GLOBAL) this.#global.add(key);
    else if (authorization.scope === Scope.NAMESPACE) {
      const keys = this.#byNamespace.get(authorization.namespace) ?? new Set();
      this.#byNamespace.set(authorization.namespace, keys.add(key));
    }
  }

  #remove(key: string): void {
    const known = this.#sources.get(key);
    if (known === undefined) return;
    this.#sources.delete(key);
    this.#compiled.delete(key);
    this.#global.delete(key);
    this.#byNamespace.get(known.namespace)?.delete(key);
  }
}

function compile({ groups }: Authorization): Test {
  const tests = groups.map(({ rules }) => all(rules.map(({ matches }) => any(matches.map(compileMatch)))));
  return any(tests);
}

const any =
  (tests: readonly Test[]): Test =>
  (facts) =>
    tests.some((test) => test(facts));
const all =
  (tests: readonly Test[]): Test =>
  (facts) =>
    tests.every((test) => test(facts));

/** Of each field that is set one value has to match; of a negated one, none. */
function compileMatch(match: Match): Test {
  const tests: Test[] = [];
  const add = <T>(values: readonly T[], compileOne: (value: T) => Test, negated = false): void => {
    if (values.length === 0) return;
    const test = any(values.map(compileOne));
    tests.push(negated ? (facts) => !test(facts) : test);
  };
  add(match.principals, principalTest);
  add(match.notPrincipals, principalTest, true);
  add(match.namespaces, namespaceTest);
  add(match.notNamespaces, namespaceTest, true);
  add(match.sourceIps, (range) => addressTest(range, ({ source }) => source));
  add(match.notSourceIps, (range) => addressTest(range, ({ source }) => source), true);
  add(match.destinationIps, (range) => addressTest(range, ({ destination }) => destination));
  add(match.notDestinationIps, (range) => addressTest(range, ({ destination }) => destination), true);
  add(match.destinationPorts, (port) => (facts) => facts.port === port);
  add(match.notDestinationPorts, (port) => (facts) => facts.port === port, true);
  return all(tests);
}

/** Policies name principals without the scheme. Without a certificate nobody is anybody. */
function principalTest(pattern: StringMatch): Test {
  const test = stringTest(pattern);
  return ({ identity }) => identity !== undefined && test(identity.replace(/^spiffe:\/\//, ""));
}

function namespaceTest(pattern: StringMatch): Test {
  const test = stringTest(pattern);
  return ({ identity }) => {
    const namespace = identity === undefined ? undefined : parseSpiffeId(identity)?.namespace;
    return namespace !== undefined && test(namespace);
  };
}

function stringTest({ matchType }: StringMatch): (value: string) => boolean {
  switch (matchType?.$case) {
    case "exact":
      return (value) => value === matchType.value;
    case "prefix":
      return (value) => value.startsWith(matchType.value);
    case "suffix":
      return (value) => value.endsWith(matchType.value);
    case "presence":
      return (value) => value !== "";
    case undefined:
      return () => false;
  }
}

function addressTest({ address, length }: Address, of: (facts: ConnectionFacts) => string): Test {
  const text = addressText(address);
  const list = new BlockList();
  list.addSubnet(text, length, isIPv6(text) ? "ipv6" : "ipv4");
  return (facts) => {
    const value = of(facts);
    return list.check(value, isIPv6(value) ? "ipv6" : "ipv4");
  };
}
