import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import type { MintToken } from "../node/tokens.ts";
import type { Store } from "../store/store.ts";

export const ISSUER = "https://kubernetes.default.svc.cluster.local";
export const API_AUDIENCE = ISSUER;

export interface TokenIdentity {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly audiences: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

interface Claims {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** Makes and checks the tokens of service accounts: JWTs with an audience, an end, and the pod that they are bound to. */
export class ServiceAccountTokens {
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #store: Store;

  constructor(pem: string, store: Store) {
    this.#key = createPrivateKey(pem);
    this.#publicKey = createPublicKey(this.#key);
    this.#store = store;
  }

  readonly mint: MintToken = async ({ namespace, serviceAccount, audiences, expirationSeconds, pod }) => {
    const account = this.#store.get({ bucket: "/serviceaccounts", namespace, name: serviceAccount });
    if (account === undefined) throw new Error(`there is no service account ${namespace}/${serviceAccount}`);
    const now = Math.floor(Date.now() / 1000);
    const expires = now + expirationSeconds;
    const claims: Claims = {
      namespace,
      serviceaccount: { name: serviceAccount, uid: account.metadata.uid ?? "" },
      ...(pod && { pod: { name: pod.name, uid: pod.uid } }),
    };
    const token = await new SignJWT({ "kubernetes.io": claims })
      .setProtectedHeader({ alg: "ES256", kid: "slipway" })
      .setIssuer(ISSUER)
      .setSubject(`system:serviceaccount:${namespace}:${serviceAccount}`)
      .setAudience(audiences.length === 0 ? [API_AUDIENCE] : [...audiences])
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(expires)
      .setJti(randomUUID())
      .sign(this.#key);
    return { token, expiresAt: expires * 1000 };
  };

  /** Whose token this is; rejects if it is not ours, over, for others, or bound to a pod or account that is gone. */
  async verify(token: string, audiences: readonly string[]): Promise<TokenIdentity> {
    const { payload } = await jwtVerify(token, this.#publicKey, {
      issuer: ISSUER,
      audience: [...audiences],
      algorithms: ["ES256"],
    });
    const claims = payload["kubernetes.io"] as Claims;
    const { namespace, serviceaccount, pod } = claims;
    const account = this.#store.get({ bucket: "/serviceaccounts", namespace, name: serviceaccount.name });
    if (account?.metadata.uid !== serviceaccount.uid) throw new Error("the service account is gone");
    if (pod !== undefined && this.#store.get({ bucket: "/pods", namespace, name: pod.name })?.metadata.uid !== pod.uid)
      throw new Error("the pod is gone");
    const all = payload.aud === undefined ? [] : [payload.aud].flat();
    return {
      name: payload.sub ?? "",
      uid: serviceaccount.uid,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      audiences: all.filter((audience) => audiences.includes(audience)),
      extra:
        pod === undefined
          ? {}
          : { "authentication.kubernetes.io/pod-name": [pod.name], "authentication.kubernetes.io/pod-uid": [pod.uid] },
    };
  }
}
