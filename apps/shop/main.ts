import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { numberFromEnv, readBody, sendJson, serve } from "../http.ts";
import { type Faults, followFaults, noFaults, parseFaults } from "./faults.ts";
import { page } from "./page.ts";
import { services } from "./services.ts";

const name = process.argv[2] ?? "";
const service = services[name];
if (service === undefined) {
  console.error(`usage: shop ${Object.keys(services).join("|")}`);
  process.exit(64);
}
const version = process.env.VERSION ?? "v1";
let faults: Faults = noFaults;
const setFaults = (changed: Faults): void => {
  faults = changed;
};
if (process.env.FAULTS_FILE) followFaults(process.env.FAULTS_FILE, setFaults);

serve(numberFromEnv("PORT", 8080), async (request, response, url) => {
  if (url.pathname === "/healthz" || url.pathname === "/readyz") return sendJson(response, 200, { ready: true });
  if (url.pathname === "/_faults" && request.method === "POST") {
    try {
      setFaults(parseFaults(await readBody(request, 10_000)));
      return sendJson(response, 200, faults);
    } catch (error) {
      return sendJson(response, 400, { error: (error as Error).message });
    }
  }
  request.resume();
  if (faults.delayMs > 0) await delay(faults.delayMs);
  if (faults.errorRate > 0 && Math.random() < faults.errorRate) {
    return sendJson(
      response,
      500,
      { service: name, version, error: "this version misbehaves" },
      { "x-shop-version": `${name}=${version}` },
    );
  }
  const { status, body, versions } = await service(request, url, version);
  const headers = { "x-shop-version": [`${name}=${version}`, ...versions].join(",") };
  const content = { service: name, version, host: hostname(), ...body };
  if (name === "storefront" && url.pathname === "/" && request.headers.accept?.includes("text/html")) {
    const html = page(content);
    response
      .writeHead(status, {
        "content-type": "text/html; charset=utf-8",
        "content-length": Buffer.byteLength(html),
        ...headers,
      })
      .end(html);
  } else sendJson(response, status, content, headers);
});
