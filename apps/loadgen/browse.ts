import { type IncomingMessage, request } from "node:http";
import type { BrowseRequest, BrowseTally } from "#api/traffic.ts";

const TIMEOUT_MS = 30_000;
const MOST_REDIRECTS = 20;

interface Sent {
  readonly method: string;
  /** Of a form. */
  readonly body: string;
}

interface Page {
  readonly status: number;
  readonly url: URL;
  readonly text: string;
  readonly versions: readonly string[];
}

/**
 * Visits a site as a browser would: follows redirects on the site, keeps cookies, and logs in where a form asks for a password. Then
 * asks for the same page again, as often as it is told.
 */
export async function browse(site: URL, wanted: BrowseRequest): Promise<BrowseTally> {
  const browser = new Browser(site, wanted.headers);
  const byStatus: Record<string, number> = {};
  const byVersion: Record<string, Record<string, number>> = {};
  const errors: Record<string, number> = {};
  let loginPages = 0;
  for (let visit = 0; visit < wanted.count; visit += 1) {
    try {
      let page = await browser.visit(wanted.path);
      if (wanted.login !== undefined && asksForPassword(page)) page = await browser.logIn(page, wanted.login);
      if (asksForPassword(page)) loginPages += 1;
      byStatus[page.status] = (byStatus[page.status] ?? 0) + 1;
      for (const [service, version] of page.versions.map((text) => text.split("="))) {
        const counts = byVersion[service ?? ""] ?? {};
        byVersion[service ?? ""] = { ...counts, [version ?? ""]: (counts[version ?? ""] ?? 0) + 1 };
      }
    } catch (error) {
      const kind = kindOf(error);
      errors[kind] = (errors[kind] ?? 0) + 1;
    }
  }
  return { count: wanted.count, byStatus, byVersion, errors, loginPages };
}

class Browser {
  readonly #site: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #cookies = new Map<string, { readonly value: string; readonly path: string }>();

  constructor(site: URL, headers: Readonly<Record<string, string>>) {
    this.#site = site;
    this.#headers = headers;
  }

  visit(path: string): Promise<Page> {
    return this.#follow(new URL(this.#site.origin + path), { method: "GET", body: "" });
  }

  logIn(page: Page, { user, password }: { readonly user: string; readonly password: string }): Promise<Page> {
    const body = new URLSearchParams({ name: user, username: user, password });
    // Keycloak and others put the address into the form; ours posts to itself.
    const action = /<form[^>]*\saction="([^"]*)"/i.exec(page.text)?.[1]?.replaceAll("&amp;", "&") ?? page.url.href;
    return this.#follow(new URL(action, page.url), { method: "POST", body: body.toString() });
  }

  async #follow(start: URL, first: Sent): Promise<Page> {
    let url = start;
    let next = first;
    for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
      const answer = await exchange(url, next, { accept: "text/html", ...this.#headers, ...this.#cookieHeader(url) });
      for (const line of answer.headers["set-cookie"] ?? []) this.#keep(line);
      const { location } = answer.headers;
      if (answer.status < 300 || answer.status >= 400 || location === undefined) {
        const versions = String(answer.headers["x-shop-version"] ?? "").split(",");
        return { status: answer.status, url, text: answer.text, versions: versions.filter(Boolean) };
      }
      url = new URL(location, url);
      if (url.origin !== this.#site.origin) throw new Error(`it leads to ${url.origin}, which is another site`);
      next = { method: "GET", body: "" };
    }
    throw new Error("it leads in circles");
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf("="));
    const value = pair.slice(pair.indexOf("=") + 1);
    const of = (attribute: string): string | undefined =>
      attributes.find((one) => one.toLowerCase().startsWith(`${attribute}=`))?.slice(attribute.length + 1);
    const ended = of("max-age") === "0" || Date.parse(of("expires") ?? "") < Date.now();
    if (value === "" || ended) this.#cookies.delete(name);
    else this.#cookies.set(name, { value, path: of("path") ?? "/" });
  }

  #cookieHeader({ pathname }: URL): { cookie?: string } {
    const sent = [...this.#cookies].filter(
      ([, { path }]) => pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`),
    );
    return sent.length === 0 ? {} : { cookie: sent.map(([name, { value }]) => `${name}=${value}`).join("; ") };
  }
}

interface Received {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

function exchange(url: URL, { method, body }: Sent, headers: Readonly<Record<string, string>>): Promise<Received> {
  const form =
    body === ""
      ? {}
      : { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, ...form }, timeout: TIMEOUT_MS };
    const outgoing = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const asksForPassword = ({ text }: Page): boolean => /<input[^>]*\stype="?password/i.test(text);

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
