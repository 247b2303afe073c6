import { readFileSync } from "node:fs";
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const RETRY_MS = 500;
const ATTEMPTS = 60;

type Data = Readonly<Record<string, string>>;

/**
 * Writes the data of a Secret `namespace/name`. The pod's service account has to have the right. Tries again while Secret or right
 * are still being made.
 */
export async function writeSecret(target: string, data: Data): Promise<void> {
  const { namespace, name, path } = placeOf(target);
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type: "Opaque",
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
  };
  await insist(target, async () => {
    const { status } = await call("PATCH", `${path}?fieldManager=pki&force=true`, JSON.stringify(secret));
    return status === 200 || status === 201 ? { value: undefined } : { reason: status };
  });
  console.log(`secret ${target} is written`);
}

/** The data of a Secret; empty while it has none. */
export async function readSecret(target: string): Promise<Data> {
  const { path } = placeOf(target);
  return insist(target, async () => {
    const { status, text } = await call("GET", path);
    if (status !== 200) return { reason: status };
    const { data = {} } = JSON.parse(text) as { readonly data?: Data };
    const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
    return { value: Object.fromEntries(decoded) as Data };
  });
}

function placeOf(target: string): { readonly namespace: string; readonly name: string; readonly path: string } {
  const [namespace = "", name = ""] = target.split("/");
  return { namespace, name, path: `/api/v1/namespaces/${namespace}/secrets/${name}` };
}

type Attempt<Value> = { readonly value: Value } | { readonly reason: unknown };

async function insist<Value>(target: string, attempt: () => Promise<Attempt<Value>>): Promise<Value> {
  for (let count = 1; ; count++) {
    const outcome = await attempt().catch((error: Error): Attempt<Value> => ({ reason: error.message }));
    if ("value" in outcome) return outcome.value;
    if (count === ATTEMPTS) throw new Error(`secret ${target} cannot be had: ${outcome.reason}`);
    await delay(RETRY_MS);
  }
}

function call(method: string, path: string, body = ""): Promise<{ readonly status: number; readonly text: string }> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const headers = {
    authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, "utf8")}`,
    ...(body !== "" && { "content-type": "application/apply-patch+yaml", "content-length": Buffer.byteLength(body) }),
  };
  const ca = readFileSync(`${ACCOUNT}/ca.crt`);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, method, ca, headers, timeout: 5000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 5 s")));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
