/** An address in network order as text. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  // As RFC 5952 wants it; the URL parser knows the rule.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
