import type { IncomingMessage } from "node:http";
import type Provider from "oidc-provider";
import type { Client } from "./accounts.ts";

/** The address at which a request reached us. */
export function originOf({ headers }: IncomingMessage): string {
  return `${headers["x-forwarded-proto"] === "https" ? "https" : "http"}://${headers.host ?? ""}`;
}

/**
 * A lab's gateway has another address on each machine: clients are registered with the path of their redirect URI, and it has to be
 * on the address at which the provider itself was reached, which `staysHere` sees to.
 */
export function redirectByPath(provider: Provider, clients: readonly Client[]): void {
  const pathsOf = (id: string, path: "loginPath" | "logoutPath"): string | undefined =>
    clients.find((client) => client.id === id)?.[path];
  const { prototype } = provider.Client as unknown as {
    readonly prototype: {
      clientId: string;
      redirectUriAllowed(uri: string): boolean;
      postLogoutRedirectUriAllowed(uri: string): boolean;
    };
  };
  prototype.redirectUriAllowed = function (uri) {
    return isAt(uri, pathsOf(this.clientId, "loginPath"));
  };
  prototype.postLogoutRedirectUriAllowed = function (uri) {
    return isAt(uri, pathsOf(this.clientId, "logoutPath"));
  };
}

const isAt = (uri: string, path: string | undefined): boolean =>
  path !== undefined && URL.canParse(uri) && new URL(uri).pathname === path && !/[?#@]/.test(uri);

/** Whether a request leads nobody to another site. */
export function staysHere(request: IncomingMessage, url: URL): boolean {
  return ["redirect_uri", "post_logout_redirect_uri"].every((name) =>
    url.searchParams.getAll(name).every((uri) => URL.canParse(uri) && new URL(uri).origin === originOf(request)),
  );
}
