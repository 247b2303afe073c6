import type { RequestOptions } from "node:https";
import { Agent } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { Connection } from "./connection.ts";

/**
 * The connection of a context in a kubeconfig, with every way to authenticate that client-node knows (certificates, tokens, exec
 * plugins, OIDC). Apart from the rest because that library is large: programs inside of the cluster do not load it.
 */
export function kubeconfigConnection(path: string, context?: string): Connection {
  const config = new KubeConfig();
  config.loadFromFile(path);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Error(`${path} names no cluster for the context ${context ?? config.getCurrentContext()}`);
  const options = async (): Promise<RequestOptions> => {
    const applied: RequestOptions = {};
    await config.applyToHTTPSOptions(applied);
    return applied;
  };
  return {
    server: new URL(cluster.server),
    tls: async () => {
      const applied = await options();
      // Some credentials only exist as options of the agent that client-node makes.
      const agent = applied.agent instanceof Agent ? applied.agent.options : {};
      const { ca, cert, key, servername } = { ...agent, ...withoutUndefined(applied) };
      return {
        ...withoutUndefined({ ca, cert, key, servername }),
        rejectUnauthorized: !cluster.skipTLSVerify,
      } as Awaited<ReturnType<Connection["tls"]>>;
    },
    authorization: async () => {
      const { headers, auth } = await options();
      const header = (headers as Record<string, string> | undefined)?.Authorization;
      if (header !== undefined) return header;
      return typeof auth === "string" ? `Basic ${Buffer.from(auth).toString("base64")}` : undefined;
    },
  };
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined && part !== null),
  ) as Partial<T>;
}
