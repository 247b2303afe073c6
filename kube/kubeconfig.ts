import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Agent, type RequestOptions } from "node:https";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { AppError } from "#api/errors.ts";
import type { Connection, TlsOptions } from "./connection.ts";

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface User {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: unknown;
  readonly "auth-provider"?: unknown;
}

interface File {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: { cluster?: string; user?: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Cluster }[];
  readonly users?: readonly { readonly name: string; readonly user?: User }[];
}

/**
 * The connection of a context in a kubeconfig. Certificates, tokens and passwords are read here; plugins and providers (exec, OIDC)
 * are left to client-node, which is loaded only then, since it is large.
 */
export function kubeconfigConnection(path: string, context?: string): Connection {
  const { cluster, user, contextName } = choose(path, context);
  const server = new URL(cluster.server ?? "");
  const folder = dirname(path);
  const content = (data: string | undefined, file: string | undefined): Promise<Buffer | undefined> => {
    if (data !== undefined) return Promise.resolve(Buffer.from(data, "base64"));
    return file === undefined ? Promise.resolve(undefined) : readFile(resolve(folder, file));
  };
  if (user.exec !== undefined || user["auth-provider"] !== undefined)
    return pluginConnection(path, contextName, server);
  return {
    server,
    tls: async () => {
      const [ca, cert, key] = await Promise.all([
        content(cluster["certificate-authority-data"], cluster["certificate-authority"]),
        content(user["client-certificate-data"], user["client-certificate"]),
        content(user["client-key-data"], user["client-key"]),
      ]);
      const servername = cluster["tls-server-name"];
      return {
        ...withoutUndefined({ ca, cert, key, servername }),
        rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
      };
    },
    authorization: async () => {
      // A file wins over a token, as in kubectl; it is read each time, since tokens in files rotate.
      if (user.tokenFile !== undefined)
        return `Bearer ${(await readFile(resolve(folder, user.tokenFile), "utf8")).trim()}`;
      if (user.token !== undefined) return `Bearer ${user.token}`;
      if (user.username === undefined) return undefined;
      return `Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`;
    },
  };
}

function choose(path: string, context: string | undefined): { cluster: Cluster; user: User; contextName: string } {
  const bad = (what: string): AppError => new AppError("BAD_REQUEST", `${path}: ${what}`);
  const file = parse(readFileSync(path, "utf8")) as File | null;
  const contextName = context ?? file?.["current-context"] ?? "";
  const chosen = file?.contexts?.find(({ name }) => name === contextName)?.context;
  if (chosen === undefined)
    throw bad(contextName === "" ? "there is no current context" : `there is no context ${contextName}`);
  const cluster = file?.clusters?.find(({ name }) => name === chosen.cluster)?.cluster;
  if (cluster === undefined || !URL.canParse(cluster.server ?? ""))
    throw bad(`the context ${contextName} names no cluster with a server`);
  return { cluster, contextName, user: file?.users?.find(({ name }) => name === chosen.user)?.user ?? {} };
}

function pluginConnection(path: string, context: string, server: URL): Connection {
  const apply = async (): Promise<{ options: RequestOptions; skipVerify: boolean }> => {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    config.loadFromFile(path);
    config.setCurrentContext(context);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    return { options, skipVerify: config.getCurrentCluster()?.skipTLSVerify === true };
  };
  return {
    server,
    tls: async () => {
      const { options, skipVerify } = await apply();
      // Some credentials only exist as options of the agent that client-node makes.
      const agent = options.agent instanceof Agent ? options.agent.options : {};
      const { ca, cert, key, servername } = { ...agent, ...withoutUndefined(options) } as Partial<TlsOptions>;
      return { ...withoutUndefined({ ca, cert, key, servername }), rejectUnauthorized: !skipVerify };
    },
    authorization: async () => {
      const { options } = await apply();
      return (options.headers as Record<string, string> | undefined)?.Authorization;
    },
  };
}

type Defined<T> = { [name in keyof T]?: Exclude<T[name], undefined | null> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined && part !== null),
  ) as Defined<T>;
}
