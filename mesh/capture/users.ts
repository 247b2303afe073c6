import { readFileSync } from "node:fs";
import { PROXY_UID } from "#api/names.ts";

/**
 * Whether this process's user namespace knows the proxy's user id. If not (an unprivileged cluster maps a single id), everybody in a
 * pod is the same user: then the proxy marks its own connections, and the capture rules go by the mark.
 */
export function canDistinguishUsers(uidMap: string = readFileSync("/proc/self/uid_map", "utf8")): boolean {
  return uidMap
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , count = 0]) => inside <= PROXY_UID && PROXY_UID < inside + count);
}
