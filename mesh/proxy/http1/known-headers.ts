/**
 * Header names that the proxy itself looks at. The parser gives each header line its number while it validates the name, so
 * that finding one later is a comparison of small integers.
 */
export const known = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  upgrade: 8,
  expect: 9,
  requestId: 10,
  forwardedFor: 11,
  forwardedProto: 12,
  userAgent: 13,
  traceparent: 14,
  peerMetadata: 15,
  peerMetadataId: 16,
  forwardedClientCert: 17,
  attemptCount: 18,
  server: 19,
  date: 20,
  upstreamServiceTime: 21,
  origin: 22,
  trailer: 23,
  internal: 24,
  externalAddress: 25,
  expectedTimeout: 26,
  originalPath: 27,
  forwardedHost: 28,
} as const;

const names: readonly string[] = [
  "",
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "upgrade",
  "expect",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "user-agent",
  "traceparent",
  "x-envoy-peer-metadata",
  "x-envoy-peer-metadata-id",
  "x-forwarded-client-cert",
  "x-envoy-attempt-count",
  "server",
  "date",
  "x-envoy-upstream-service-time",
  "origin",
  "trailer",
  "x-envoy-internal",
  "x-envoy-external-address",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-original-path",
  "x-forwarded-host",
];

/** Token characters (RFC 9110 5.6.2) as their lower-case code, 0 for every other byte. */
export const tokenLower: Uint8Array = (() => {
  const table = new Uint8Array(256);
  const allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
  for (const character of allowed) table[character.charCodeAt(0)] = character.charCodeAt(0);
  for (let code = 65; code <= 90; code += 1) table[code] = code + 32;
  return table;
})();

/** 1 for bytes that a field value may hold (RFC 9110 5.5): visible, space, tab and obs-text. */
export const fieldValue: Uint8Array = (() => {
  const table = new Uint8Array(256).fill(1);
  table.fill(0, 0, 32);
  table[9] = 1;
  table[127] = 0;
  return table;
})();

/** The hash that the parser computes over the lower-case name. */
export function hashName(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index += 1) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0;
  return hash;
}

const byHash: ReadonlyMap<number, number> = new Map(names.slice(1).map((name, index) => [hashName(name), index + 1]));

/** The number of the name in [start, end), whose hash the parser has; 0 when the proxy has no interest in it. */
export function identify(buffer: Buffer, range: { start: number; end: number }, hash: number): number {
  const id = byHash.get(hash);
  if (id === undefined) return known.other;
  const name = names[id] ?? "";
  if (range.end - range.start !== name.length) return known.other;
  for (let index = 0; index < name.length; index += 1) {
    if (tokenLower[buffer[range.start + index] ?? 0] !== name.charCodeAt(index)) return known.other;
  }
  return id;
}

/** The number of a lower-case name, 0 when unknown. For compiling rules, not for the hot path. */
export function idOf(name: string): number {
  const id = names.indexOf(name);
  return id > 0 ? id : known.other;
}
