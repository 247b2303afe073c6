import type { Declaration } from "../functions.ts";
import { Opaque } from "../values.ts";

/** What an expression asks rights for. */
export interface Asked {
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly verb?: string;
}

type Ask = (asked: Asked) => boolean;

type TypeName = "Authorizer" | "PathCheck" | "GroupCheck" | "ResourceCheck" | "Decision";

/** A question that is being put together. */
export class Question extends Opaque {
  readonly type: string;
  readonly asked: Asked;
  readonly ask: Ask;
  constructor(type: TypeName, asked: Asked, ask: Ask) {
    super();
    this.type = `kubernetes.authorization.${type}`;
    this.asked = asked;
    this.ask = ask;
  }
  get key(): string {
    return JSON.stringify(this.asked);
  }
  with(more: Asked, type: TypeName): Question {
    return new Question(type, { ...this.asked, ...more }, this.ask);
  }
}

const A = "kubernetes.authorization";

/** `authorizer.group('').resource('pods').check('get').allowed()`. Source: Kubernetes' documentation of CEL, "Authorizer library". */
export const authorizer: readonly Declaration[] = [
  [`${A}.Authorizer.path(string): ${A}.PathCheck`, (of: Question, path) => of.with({ path }, "PathCheck")],
  [
    `${A}.Authorizer.serviceAccount(string, string): ${A}.Authorizer`,
    (of: Question, namespace, name) => of.with({ serviceAccount: { namespace, name } }, "Authorizer"),
  ],
  [`${A}.Authorizer.group(string): ${A}.GroupCheck`, (of: Question, group) => of.with({ group }, "GroupCheck")],
  [
    `${A}.GroupCheck.resource(string): ${A}.ResourceCheck`,
    (of: Question, resource) => of.with({ resource }, "ResourceCheck"),
  ],
  ...["subresource", "namespace", "name"].map(
    (part): Declaration => [
      `${A}.ResourceCheck.${part}(string): ${A}.ResourceCheck`,
      (of: Question, value) => of.with({ [part]: value }, "ResourceCheck"),
    ],
  ),
  ...(["PathCheck", "ResourceCheck"] as const).map(
    (type): Declaration => [
      `${A}.${type}.check(string): ${A}.Decision`,
      (of: Question, verb) => of.with({ verb }, "Decision"),
    ],
  ),
  [`${A}.Decision.allowed(): bool`, ({ ask, asked }: Question) => ask(asked)],
  [`${A}.Decision.reason(): string`, () => ""],
  [`${A}.Decision.errored(): bool`, () => false],
  [`${A}.Decision.error(): string`, () => ""],
];
