import { STATUS_CODES } from "node:http";

/** The reason phrase of a status code. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? "Unknown";
}
