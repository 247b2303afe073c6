import { randomUUID } from "node:crypto";
import { withoutPort } from "../../lib/match/domain-match.ts";
import type { Head } from "../http1/head.ts";
import { known } from "../http1/known-headers.ts";
import { normalizePath } from "../http1/path.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import { forwardCertificate } from "./client-certificate.ts";
import type { HttpManager } from "./manager.ts";

/** Fields that a Connection header must not be able to take away from the next hop. */
const kept =
  /^(?:host|content-length|transfer-encoding|authorization|cookie|x-forwarded-.*|x-envoy-.*|x-request-id|:.*)$/;

/** Headers that only the mesh itself may set; strangers' are dropped at the edge. */
const internalOnly: readonly string[] = [
  "x-envoy-decorator-operation",
  "x-envoy-retry-on",
  "x-envoy-max-retries",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-original-dst-host",
  "x-envoy-original-path",
  "x-envoy-force-trace",
  "x-envoy-ip-tags",
];

const privateAddress = /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd])/;

/**
 * What every request passes first: normalised path, who asked, by which scheme, with which id. Returns the reason when the
 * request must be refused with 400.
 */
export function prepareRequest(head: Head, manager: HttpManager, connection: DownstreamConnection): string | undefined {
  const path = normalizePath(head.path, manager.path);
  if (path === undefined) return "path_normalization_failed";
  head.path = path;
  if (head.hopByHop.length > 0) for (const name of head.hopByHop) if (!kept.test(name)) head.remove(name);
  if (!head.wantsUpgrade) head.dropId(known.upgrade);
  head.dropId(known.expectedTimeout);
  if (manager.stripPort !== "no") stripPort(head, manager, connection);
  if (head.indexOf(known.host) < 0 || head.known(known.host) !== head.authority) head.setAuthority(head.authority);
  noteOrigin(head, manager, connection);
  noteRequestId(head, manager);
  forwardCertificate(head, manager, connection);
  if (head.expectContinue && !manager.forwardContinue) head.dropId(known.expect);
  return undefined;
}

function stripPort(head: Head, manager: HttpManager, connection: DownstreamConnection): void {
  const bare = withoutPort(head.authority);
  if (bare === head.authority) return;
  if (manager.stripPort === "any" || head.authority === `${bare}:${connection.localPort}`) head.setAuthority(bare);
}

/** x-forwarded-for and -proto: an edge proxy writes them, one within the mesh believes them. */
function noteOrigin(head: Head, manager: HttpManager, connection: DownstreamConnection): void {
  const scheme = connection.tls === undefined ? "http" : "https";
  if (!manager.useRemoteAddress) {
    if (head.indexOf(known.forwardedProto) < 0) head.add("x-forwarded-proto", scheme);
    return;
  }
  const remote = connection.remoteAddress;
  const before = head.get("x-forwarded-for");
  if (!manager.skipForwardedFor) head.set("x-forwarded-for", before === undefined ? remote : `${before},${remote}`);
  if (manager.trustedHops === 0 || head.indexOf(known.forwardedProto) < 0) head.set("x-forwarded-proto", scheme);
  head.dropId(known.internal);
  if (privateAddress.test(remote)) {
    if (before === undefined) head.add("x-envoy-internal", "true");
    return;
  }
  head.set("x-envoy-external-address", remote);
  for (const name of internalOnly) head.remove(name);
}

function noteRequestId(head: Head, manager: HttpManager): void {
  if (!manager.generateRequestId) return;
  const present = head.indexOf(known.requestId) >= 0;
  if (!present) head.add("x-request-id", randomUUID());
  else if (manager.useRemoteAddress && !manager.preserveRequestId && head.known(known.internal) === undefined) {
    // Envoy keeps an id from outside only when told to; ids tie the traces of a request together.
    if (head.has("x-envoy-external-address")) head.set("x-request-id", randomUUID());
  }
}
