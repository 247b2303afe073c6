/** The API server's refusal: a Kubernetes Status. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status. */
  readonly code: number;
  /** NotFound, Conflict, AlreadyExists, Invalid, Forbidden, Gone, … */
  readonly reason: string;
  readonly causes: readonly StatusCause[];

  constructor(code: number, reason: string, message: string, causes: readonly StatusCause[] = []) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.causes = causes;
  }
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  /** Path of the field, such as spec.ports[0].port. */
  readonly field?: string;
}

/** Reads an error answer; a body that is no Status becomes the message. */
export function kubeError(code: number, body: string): KubeError {
  try {
    const status = JSON.parse(body) as { reason?: string; message?: string; details?: { causes?: StatusCause[] } };
    return new KubeError(
      code,
      status.reason ?? "",
      status.message ?? `the API server answered ${code}`,
      status.details?.causes,
    );
  } catch {
    return new KubeError(code, "", `the API server answered ${code}: ${body.slice(0, 300).trim()}`);
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.code === 404;
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.code === 409;
