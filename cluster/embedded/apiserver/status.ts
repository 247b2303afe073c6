import { StatusError } from "../machinery/resources.ts";
import { type Kind, qualifiedName } from "./kinds.ts";

/** The API's refusals, with the reasons, codes and words that people know from Kubernetes. */
export const notFound = (kind: Kind, name: string): StatusError =>
  new StatusError(404, "NotFound", `${qualifiedName(kind)} "${name}" not found`, about(kind, name));

export const alreadyExists = (kind: Kind, name: string): StatusError =>
  new StatusError(409, "AlreadyExists", `${qualifiedName(kind)} "${name}" already exists`, about(kind, name));

/** Details of a Status: which object. What is empty is left out. */
export const about = ({ group, resource }: Kind, name: string): object => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind: resource,
});

export const conflict = (
  kind: Kind,
  name: string,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): StatusError =>
  new StatusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedName(kind)} "${name}": ${why}`,
    about(kind, name),
  );

/** A deletion that was asked for under conditions that do not hold. */
export const failedPrecondition = ({ group, kind }: Kind, name: string, why: string): StatusError =>
  new StatusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${kind}${group === "" ? "" : `.${group}`} "${name}": ${why}`,
    { name, ...(group === "" ? {} : { group }), kind },
  );

export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly reason?: string;
}

export function invalid(
  kind: Pick<Kind, "group" | "kind">,
  name: string,
  problems: readonly FieldProblem[],
): StatusError {
  const text = problems.map(({ field, message }) => `${field}: ${message}`);
  const message = `${kind.kind}${kind.group === "" ? "" : `.${kind.group}`} "${name}" is invalid: ${text.length === 1 ? text[0] : `[${text.join(", ")}]`}`;
  const causes = problems.map(({ field, message: why, reason = "FieldValueInvalid" }) => ({
    reason,
    message: why,
    field,
  }));
  const { group } = kind;
  return new StatusError(422, "Invalid", message, {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: kind.kind,
    causes,
  });
}

export const badRequest = (message: string): StatusError => new StatusError(400, "BadRequest", message);
export const forbidden = (message: string): StatusError => new StatusError(403, "Forbidden", message);
/** A refusal that names what it is about. */
export const forbiddenObject = (kind: Pick<Kind, "group" | "resource">, name: string, why: string): StatusError =>
  new StatusError(403, "Forbidden", `${qualifiedName(kind)} ${JSON.stringify(name)} is forbidden: ${why}`, {
    name,
    ...(kind.group === "" ? {} : { group: kind.group }),
    kind: kind.resource,
  });
/** A failure of the server's own, or of what it asked. */
export const internalError = (why: string): StatusError =>
  new StatusError(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] });
export const gone = (message: string): StatusError => new StatusError(410, "Expired", message);
/** A page of a state that is no longer known; its token goes on with the state of today. */
export class ExpiredPage extends StatusError {
  readonly next: string;
  constructor(next: string) {
    super(
      410,
      "Expired",
      "The provided continue parameter is too old to display a consistent list result. Start a new list without it, or go on with the token in this answer: what changed since the first page may then be missing or stand twice.",
    );
    this.next = next;
  }
}
export const methodNotAllowed = (): StatusError =>
  new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
export const createDuringTermination = (): StatusError =>
  new StatusError(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating", {});
export const unsupportedMediaType = (): StatusError =>
  new StatusError(
    415,
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
  );
export const unknownPath = (): StatusError =>
  new StatusError(404, "NotFound", "the server could not find the requested resource", {});

export const notAcceptable = (): StatusError =>
  new StatusError(
    406,
    "NotAcceptable",
    "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    {},
  );

/** Nothing is served below such a path; Kubernetes answers that in plain text. */
export class PageNotFound extends Error {
  override readonly name = "PageNotFound";
}

/** What is refused in plain text, as the node's part of Kubernetes does it. */
export class PlainRefusal extends Error {
  override readonly name = "PlainRefusal";
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

export function statusBody(error: StatusError): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: error instanceof ExpiredPage ? { continue: error.next } : {},
    status: "Failure",
    message: error.message,
    ...(error.reason === "" ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}
