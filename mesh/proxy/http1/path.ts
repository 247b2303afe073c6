export interface PathRules {
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: "keep" | "reject" | "unescape";
}

const escapes = /%([0-9a-fA-F]{2})/g;
const unreserved = /[A-Za-z0-9\-._~]/;

/**
 * Istio's BASE normalisation (Envoy's normalize_path, RFC 3986 6.2.2): unreserved characters are decoded, dot segments
 * resolved, backslashes become slashes; %2F stays as it is unless the rules say otherwise. The query is left alone. Undefined
 * when the path must be refused.
 */
export function normalizePath(target: string, rules: PathRules): string | undefined {
  if (!target.includes("%") && !target.includes("\\") && !target.includes("/.") && !target.includes("//"))
    return target;
  if (!target.startsWith("/")) return target;
  const query = target.indexOf("?");
  let path = query < 0 ? target : target.slice(0, query);
  if (rules.escapedSlashes !== "keep" && /%2f|%5c/i.test(path)) {
    if (rules.escapedSlashes === "reject") return undefined;
    path = path.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  }
  if (rules.normalize) {
    if (path.includes("%00")) return undefined;
    path = resolveDots(decodeUnreserved(path).replaceAll("\\", "/"));
  }
  if (rules.mergeSlashes) path = path.replace(/\/{2,}/g, "/");
  return query < 0 ? path : path + target.slice(query);
}

function decodeUnreserved(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(escapes, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return unreserved.test(character) ? character : whole;
  });
}

/** RFC 3986 5.2.4; `..` at the root stays at the root, and parameters (`..;a`), which some servers cut off, hide nothing: as Envoy. */
function resolveDots(path: string): string {
  if (!path.includes("/.")) return path;
  const kept: string[] = [];
  const parts = path.split("/").slice(1);
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    const [name] = part.split(";", 1);
    if (name !== ".." && name !== ".") kept.push(part);
    else {
      if (name === "..") kept.pop();
      if (last) kept.push("");
    }
  }
  return `/${kept.join("/")}`;
}
