import type { KubeObject } from "#api/kinds/object.ts";
import { namespaces } from "#api/names.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { isConflict } from "#kube/status-error.ts";
import { Authority, type AuthorityFiles, createRoot } from "./authority.ts";

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** The secret that an administrator fills to bring a CA of their own, and the one in which the self-signed CA is kept. */
export const PLUGGED_IN = "cacerts";
const OWN = "istio-ca-secret";

export interface LoadOptions {
  readonly trustDomain: string;
  readonly now?: () => number;
}

export interface LoadedAuthority {
  readonly authority: Authority;
  readonly files: AuthorityFiles;
  /** Where it comes from, for the log. */
  readonly source: string;
}

/**
 * The CA of the mesh: the plugged-in one, else the one kept from the last start, else a new one. Several control planes may start
 * at once: whoever creates the secret first decides, and the others read it.
 */
export async function loadAuthority(
  client: Pick<KubeClient, "get" | "create">,
  options: LoadOptions,
): Promise<LoadedAuthority> {
  const pluggedIn = await read(client, PLUGGED_IN);
  if (pluggedIn !== undefined) return make(pluggedIn, PLUGGED_IN, options);
  const kept = await read(client, OWN);
  if (kept !== undefined) return make(kept, OWN, options);
  const files = createRoot(options.trustDomain, options.now?.());
  try {
    await client.create<Secret>(resources.secrets, secretOf(files));
  } catch (error) {
    if (!isConflict(error)) throw error;
    const others = await read(client, OWN);
    if (others === undefined) throw error;
    return make(others, OWN, options);
  }
  return {
    authority: new Authority(files, options.now),
    files,
    source: `a new self-signed root, kept in secret ${namespaces.system}/${OWN}`,
  };
}

function make(files: AuthorityFiles, name: string, { now }: LoadOptions): LoadedAuthority {
  try {
    return { authority: new Authority(files, now), files, source: `secret ${namespaces.system}/${name}` };
  } catch (error) {
    throw new Error(
      `secret ${namespaces.system}/${name} holds no usable CA: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function read(client: Pick<KubeClient, "get">, name: string): Promise<AuthorityFiles | undefined> {
  const secret = await client.get<Secret>(resources.secrets, { namespace: namespaces.system, name });
  if (secret === undefined) return undefined;
  const file = (key: string): string => Buffer.from(secret.data?.[key] ?? "", "base64").toString("utf8");
  const certificate = file("ca-cert.pem");
  return {
    certificate,
    key: file("ca-key.pem"),
    root: file("root-cert.pem") || certificate,
    chain: file("cert-chain.pem"),
    revoked: file("ca-crl.pem"),
  };
}

function secretOf(files: AuthorityFiles): Secret {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: OWN, namespace: namespaces.system },
    type: "istio.io/ca-root",
    data: {
      "ca-cert.pem": base64(files.certificate),
      "ca-key.pem": base64(files.key),
      "root-cert.pem": base64(files.root),
      "cert-chain.pem": base64(files.chain),
    },
  };
}
