import { readFileSync } from "node:fs";
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const RETRY_MS = 500;
const ATTEMPTS = 60;

/**
 * Hands a root certificate to those who call, as key ca.crt of a Secret `namespace/name`: what partners do by mail. The pod's
 * service account has to have the right. Tries again while Secret or right are still being made.
 */
export async function publishRoot(target: string, root: string): Promise<void> {
  const [namespace = "", name = ""] = target.split("/");
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type: "Opaque",
    data: { "ca.crt": Buffer.from(root).toString("base64") },
  };
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}?fieldManager=partner&force=true`;
  for (let attempt = 1; ; attempt++) {
    const answer = await apply(path, JSON.stringify(secret)).catch((error: Error) => error.message);
    if (answer === 200 || answer === 201) return console.log(`the root certificate is in secret ${target}`);
    if (attempt === ATTEMPTS) throw new Error(`secret ${target} could not be written: ${answer}`);
    await delay(RETRY_MS);
  }
}

function apply(path: string, body: string): Promise<number> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const headers = {
    authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, "utf8")}`,
    "content-type": "application/apply-patch+yaml",
    "content-length": Buffer.byteLength(body),
  };
  const ca = readFileSync(`${ACCOUNT}/ca.crt`);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, method: "PATCH", ca, headers, timeout: 5000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 5 s")));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
