/** Full name of a host as written in a manifest of a namespace: a short name is a service there, anything with a dot stays. */
export function resolveHost(host: string, namespace: string, domain: string): string {
  if (host === "*" || host.includes(".") || host.startsWith("*")) return host;
  return `${host}.${namespace}.svc.${domain}`;
}

/** Whether a host pattern (`*`, `*.example.com` or a name) covers a name or a narrower pattern. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  return pattern.startsWith("*") && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1);
}

/** What two host patterns have in common: the narrower one, or undefined if they do not meet. */
export function intersectHosts(a: string, b: string): string | undefined {
  if (hostCovers(a, b)) return b;
  if (hostCovers(b, a)) return a;
  return undefined;
}

/** Orders host patterns: exact names first, then longer patterns; `*` is last. */
export function compareSpecificity(a: string, b: string): number {
  const aWild = a.startsWith("*");
  const bWild = b.startsWith("*");
  if (aWild !== bWild) return aWild ? 1 : -1;
  return b.length - a.length || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * Names by which a client in a namespace reaches a service host, the full name first. Only the client's own namespace may
 * leave out the service's namespace. Source: the search path of Kubernetes DNS.
 */
export function shortNames(host: string, clientNamespace: string, domain: string): readonly string[] {
  const suffix = `.svc.${domain}`;
  if (!host.endsWith(suffix)) return [host];
  const local = host.slice(0, -suffix.length);
  const dot = local.lastIndexOf(".");
  const namespace = local.slice(dot + 1);
  const own = namespace === clientNamespace ? [local.slice(0, dot)] : [];
  return [host, ...own, `${local}.svc`, local];
}
