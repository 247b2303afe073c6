import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { TLSSocket } from "node:tls";

export interface FetchOptions {
  readonly method: string;
  /** As `name: value`. */
  readonly headers: readonly string[];
  readonly body: string | undefined;
  readonly showHead: boolean;
  /** Nothing is printed. */
  readonly silent: boolean;
  /** A server's certificate is not verified. */
  readonly insecure: boolean;
  /** Where to connect instead of the address's host, as HOST:PORT; the host is asked for all the same. */
  readonly connect?: string;
  /** For TLS: authorities to trust and the client's own certificate, in PEM; the server's name, if it is not the host's. */
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly servername?: string;
  };
  /** The subject of the server's certificate belongs to the outcome. */
  readonly showSubject: boolean;
}

/** Logs in at an identity provider's token address (RFC 6749 4.4) and gives the token. Rejects when there is none. */
export async function logIn(url: string, form: string): Promise<string> {
  const body = new URLSearchParams(form);
  if (!body.has("grant_type")) body.set("grant_type", "client_credentials");
  const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  const answer = response.ok ? (JSON.parse(text) as { readonly access_token?: string }) : {};
  if (answer.access_token === undefined) throw new Error(`${url} gave no token: ${response.status} ${text}`);
  return answer.access_token;
}

/** The path as it was typed: dot segments and escapes are what somebody may want to try on a server. */
const typedPath = (url: string): string => {
  const path = /^\w+:\/\/[^/?#]*([^#]*)/.exec(url)?.[1] ?? "";
  return path.startsWith("/") ? path : `/${path}`;
};

const subjectOf = (subject: Readonly<Record<string, string | string[] | undefined>>): string =>
  Object.entries(subject)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");

/** Sends one request and prints the answer. Resolves to its status, or to the reason for having none. */
export function fetchOnce(url: string, options: FetchOptions): Promise<number | string> {
  const headers = options.headers.map((header) => {
    const colon = header.indexOf(":");
    return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()] as const;
  });
  return new Promise((resolve) => {
    const settings = {
      method: options.method,
      path: typedPath(url),
      headers: Object.fromEntries(headers),
      timeout: 30_000,
    };
    const send = url.startsWith("https:") ? secureRequest : request;
    const { hostname, host } = new URL(url);
    const [connectHost, connectPort] = options.connect?.split(":") ?? [];
    const elsewhere =
      options.connect === undefined
        ? {}
        : { hostname: connectHost, port: connectPort, headers: { host, ...settings.headers }, servername: hostname };
    const tls = { ...options.tls, rejectUnauthorized: !options.insecure };
    const outgoing = send(url, { ...settings, ...elsewhere, ...tls }, (response) => {
      const { statusCode = 0, socket } = response;
      const subject =
        options.showSubject && socket instanceof TLSSocket ? subjectOf(socket.getPeerCertificate().subject) : "";
      if (options.showHead && !options.silent) {
        console.log(`HTTP/${response.httpVersion} ${statusCode} ${response.statusMessage}`);
        for (let i = 0; i < response.rawHeaders.length; i += 2)
          console.log(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
        console.log();
      }
      if (options.silent) response.resume();
      else response.pipe(process.stdout, { end: false });
      response.on("end", () => resolve(subject === "" ? statusCode : `${statusCode} ${subject}`));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      if (!options.silent) console.error(`client: ${error.message}`);
      resolve(error.code ?? error.message);
    });
    outgoing.end(options.body);
  });
}
