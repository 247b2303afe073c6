import { AppError, type ErrorCode, toErrorReport } from "#api/errors.ts";

/** Exit codes as istioctl's (sysexits.h): 64 usage, 65 bad input; 2 for a check that does not hold. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 64,
  MANIFEST_SYNTAX: 65,
  MANIFEST_SCHEMA: 65,
  LAB_INVALID: 65,
  CHECK_FAILED: 2,
  NOT_RUNNING: 3,
  CANCELLED: 130,
};

/** Prints what happened, why and what to do, and ends with the error's exit code. */
export function reportAndExit(error: unknown): never {
  const report = toErrorReport(error);
  console.error(`slipway: ${report.message}`);
  if (report.hint !== undefined) console.error(`  ${report.hint}`);
  const showDetail =
    report.detail !== undefined && (process.env.SLIPWAY_DEBUG !== undefined || error instanceof AppError);
  if (showDetail) console.error(report.detail?.replace(/^/gm, "  | "));
  process.exit(exitCodes[report.code] ?? 1);
}
