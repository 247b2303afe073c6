/** Every error that reaches a person has one of these codes; the text may change, the code does not. Kept in step with docs/errors.md. */
export const errorCodes = {
  NAMESPACES_DENIED: "This system does not let Slipway create the namespaces that the embedded cluster needs",
  TOOL_MISSING: "A program that Slipway needs is not installed",
  DOCKER_UNAVAILABLE: "No Docker engine can be used",
  IMAGE_NOT_FOUND: "An image cannot be found",
  OUT_OF_MEMORY: "There is too little memory",
  INOTIFY_LIMIT: "The system's limit of file watches is reached",
  MESH_PRESENT: "Another mesh is installed in this cluster",
  RIGHTS_MISSING: "The cluster does not grant the rights that are needed",
  PORT_TAKEN: "A port is in use by another program",
  DISK_FULL: "There is no space left on the disk",
  STATE_CORRUPT: "The saved state of the cluster cannot be read",
  ALREADY_RUNNING: "Slipway already runs",
  NOT_RUNNING: "Slipway does not run",
  CLUSTER_START_FAILED: "The cluster did not start",
  MESH_INSTALL_FAILED: "The mesh could not be installed",
  TIMEOUT: "This took longer than allowed",
  CANCELLED: "Cancelled",
  MANIFEST_SYNTAX: "The manifest is not valid YAML",
  MANIFEST_SCHEMA: "The manifest does not fit its schema",
  MANIFEST_REJECTED: "The cluster refused the manifest",
  LAB_INVALID: "The lab's files are not valid",
  LAB_NOT_FOUND: "There is no such lab",
  CHECK_FAILED: "A check of the lab does not hold",
  NOT_FOUND: "There is no such object",
  BAD_REQUEST: "The request is not valid",
  UNAUTHORIZED: "The token is missing or wrong",
  CONNECTION_LOST: "The connection was lost",
  INTERNAL: "Something went wrong inside Slipway",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error as it crosses the process boundary and as people read it: what happened, why, what to do. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  /** What the person can do about it. */
  readonly hint?: string;
  /** Technical details to copy: a command's output, a stack. */
  readonly detail?: string;
}

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string; detail?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail;
  }

  toReport(): ErrorReport {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }
}

/** Any thrown value as a report. Of what is not an AppError, a full disk (anything that writes may meet one) is told; the rest is INTERNAL. */
export function toErrorReport(error: unknown): ErrorReport {
  if (error instanceof AppError) return error.toReport();
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
    const where = "path" in error && typeof error.path === "string" ? ` for ${error.path}` : "";
    const hint = "Free some space and try again; what was saved before is safe.";
    return { code: "DISK_FULL", message: `there is no space left on the disk${where}`, hint };
  }
  const detail = error instanceof Error ? error.stack : undefined;
  return { code: "INTERNAL", message, ...(detail === undefined ? {} : { detail }) };
}
