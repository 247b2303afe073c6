import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Connection } from "./connection.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Projected tokens are replaced well before they expire; a minute keeps the file from being read for every request. */
const TOKEN_FRESH_MS = 60_000;

/** The connection of a pod: the service account's token and CA, and the address from the environment. Throws if this is no pod. */
export function inClusterConnection(env: NodeJS.ProcessEnv = process.env, account: string = ACCOUNT): Connection {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port)
    throw new Error("this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  let token: { readonly value: string; readonly readAt: number } | undefined;
  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    tls: async () => ({ ca: await readFile(join(account, "ca.crt")), rejectUnauthorized: true }),
    authorization: async () => {
      if (token === undefined || Date.now() - token.readAt > TOKEN_FRESH_MS) {
        token = { value: (await readFile(join(account, "token"), "utf8")).trim(), readAt: Date.now() };
      }
      return `Bearer ${token.value}`;
    },
  };
}
