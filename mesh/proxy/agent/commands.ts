import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ports } from "#api/names.ts";

interface Response {
  readonly status: number;
  readonly body: string;
}

function ask(port: number, method: string, path: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, timeout: 5000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 5 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** `pilot-agent request GET /stats`: prints what the proxy's admin port answers. Returns the exit code. */
export async function requestAdmin(args: readonly string[]): Promise<number> {
  const [method = "", path = ""] = args;
  if (!["GET", "POST"].includes(method.toUpperCase()) || path === "") {
    console.error("usage: pilot-agent request GET|POST PATH");
    return 64;
  }
  const port = Number(process.env.PROXY_ADMIN_PORT || ports.proxyAdmin);
  try {
    const { status, body } = await ask(port, method.toUpperCase(), path.startsWith("/") ? path : `/${path}`);
    process.stdout.write(body);
    return status < 400 ? 0 : 1;
  } catch (error) {
    console.error(`pilot-agent: the admin port 127.0.0.1:${port} does not answer: ${(error as Error).message}`);
    return 1;
  }
}

/** `pilot-agent wait`: returns 0 once the proxy is ready, 1 when it is not in time. For a postStart hook. */
export async function waitUntilReady(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      timeoutSeconds: { type: "string", default: "60" },
      periodMillis: { type: "string", default: "50" },
      requestTimeoutMillis: { type: "string", default: "500" },
      url: { type: "string" },
    },
  });
  const url = new URL(values.url ?? `http://localhost:${process.env.ENVOY_STATUS_PORT || ports.health}/healthz/ready`);
  const end = Date.now() + Number(values.timeoutSeconds) * 1000;
  let last = "it was not asked";
  while (Date.now() < end) {
    try {
      const { status, body } = await ask(Number(url.port), "GET", url.pathname);
      if (status === 200) return 0;
      last = body.trim() || `status ${status}`;
    } catch (error) {
      last = (error as Error).message;
    }
    await delay(Number(values.periodMillis));
  }
  console.error(`pilot-agent: the proxy is not ready after ${values.timeoutSeconds} s: ${last}`);
  return 1;
}
