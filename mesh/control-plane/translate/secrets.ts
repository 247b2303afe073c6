import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { Credential, ProxyNode, Snapshot } from "../model/snapshot.ts";
import type { Memo } from "./memo.ts";

/** Name under which a proxy asks for the certificate of a Secret of its namespace. Source: Istio. */
export const certificateSecret = (credentialName: string): string => `kubernetes://${credentialName}`;
/** Name under which it asks for the authorities that the Secret holds. Source: Istio. */
export const rootSecret = (credentialName: string): string => `kubernetes://${credentialName}${ROOT_SUFFIX}`;
const ROOT_SUFFIX = "-cacert";

const none: ReadonlyMap<string, Secret> = new Map();

/** Everything that a proxy may ask for by credentialName: the credentials of its own namespace, if its account may read them. */
export function translateSecrets(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): ReadonlyMap<string, Secret> {
  if (!proxy.readsSecrets) return none;
  return memo.get(`secrets ${proxy.namespace}`, [snapshot.credentials], () => {
    const secrets = new Map<string, Secret>();
    const own = [...snapshot.credentials.values()]
      .filter(({ origin }) => origin.namespace === proxy.namespace)
      // Authorities in a Secret of their own count more than those beside the certificate. Source: Istio's credentialName.
      .toSorted((a, b) => Number(isRootOnly(a)) - Number(isRootOnly(b)));
    for (const credential of own) {
      for (const secret of memo.of(credential, "secrets", [], () => secretsOf(credential)))
        secrets.set(secret.name, secret);
    }
    return secrets;
  });
}

const isRootOnly = ({ origin }: Pick<Credential, "origin">): boolean => origin.name.endsWith(ROOT_SUFFIX);

const inline = (pem: string) => ({ specifier: { $case: "inlineBytes", value: Buffer.from(pem) } }) as const;

function secretsOf({ origin, certificate, root, revoked }: Credential): readonly Secret[] {
  const secrets: Secret[] = [];
  if (certificate !== undefined) {
    const { chain, key } = certificate;
    const value = { certificateChain: inline(chain), privateKey: inline(key) };
    secrets.push(
      Secret.fromPartial({ name: certificateSecret(origin.name), type: { $case: "tlsCertificate", value } }),
    );
  }
  if (root !== undefined) {
    // Authorities may lie in a Secret of their own, whose name then has the suffix already.
    const base = isRootOnly({ origin }) ? origin.name.slice(0, -ROOT_SUFFIX.length) : origin.name;
    const value = { trustedCa: inline(root), ...(revoked === undefined ? {} : { crl: inline(revoked) }) };
    secrets.push(Secret.fromPartial({ name: rootSecret(base), type: { $case: "validationContext", value } }));
  }
  return secrets;
}
