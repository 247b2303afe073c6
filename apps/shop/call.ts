import { Agent, type IncomingMessage, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const TIMEOUT_MS = 15_000;

/** Headers that a service passes on to the services it calls, so that traces hang together and labs can route by them. */
const forwarded = [
  "x-request-id",
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "x-tester",
  "x-user",
  "authorization",
  "cookie",
  "user-agent",
];

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** service=version pairs of everyone who had a part in the answer. */
  readonly versions: readonly string[];
}

/**
 * Calls another service of the shop by its name. A connection that fails counts as 503, like a proxy would say it; a kept connection
 * that was closed just now is replaced.
 */
export async function call(service: string, path: string, incoming: IncomingMessage): Promise<Answer> {
  return (
    (await attempt(service, path, incoming)) ??
    (await attempt(service, path, incoming)) ??
    unreachable(service, "the connection was reset")
  );
}

/** Resolves to undefined when a kept connection turned out to be closed. */
function attempt(service: string, path: string, incoming: IncomingMessage): Promise<Answer | undefined> {
  const base = process.env[`${service.toUpperCase()}_URL`] ?? `http://${service}`;
  const headers: Record<string, string> = { accept: "application/json" };
  for (const name of forwarded) {
    const value = incoming.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return new Promise((resolve) => {
    const outgoing = request(new URL(path, base), { agent, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 502, body: parse(text), versions: versionsOf(response) }),
      );
      response.on("error", () => resolve(unreachable(service, "the answer broke off")));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      resolve(outgoing.reusedSocket && error.code === "ECONNRESET" ? undefined : unreachable(service, error.message));
    });
    outgoing.end();
  });
}

const unreachable = (service: string, why: string): Answer => ({
  status: 503,
  body: { error: `${service}: ${why}` },
  versions: [],
});

function versionsOf(response: IncomingMessage): readonly string[] {
  const header = response.headers["x-shop-version"];
  return typeof header === "string" && header !== "" ? header.split(",") : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 500);
  }
}
