import type { PodName } from "./kinds.ts";

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Empty: the API server's own audience. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly pod: PodName;
}

export interface MintedToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export type MintToken = (request: TokenRequest) => Promise<MintedToken>;

interface Held extends MintedToken {
  readonly mintedAt: number;
}

/** The tokens of one pod's volumes: minted before they are needed, renewed when 80 % of their life is over (as the kubelet does). */
export class PodTokens {
  readonly #mint: MintToken;
  readonly #base: Omit<TokenRequest, "audiences" | "expirationSeconds">;
  readonly #held = new Map<string, Held>();

  constructor(mint: MintToken, base: Omit<TokenRequest, "audiences" | "expirationSeconds">) {
    this.#mint = mint;
    this.#base = base;
  }

  /** Makes sure that `get` has a fresh token for each request. */
  async prepare(
    requests: readonly { audience: string | undefined; expirationSeconds: number }[],
    now: number,
  ): Promise<void> {
    await Promise.all(
      requests.map(async ({ audience, expirationSeconds }) => {
        const key = keyOf(audience, expirationSeconds);
        const held = this.#held.get(key);
        if (held !== undefined && now < renewalTime(held)) return;
        const minted = await this.#mint({
          ...this.#base,
          audiences: audience === undefined || audience === "" ? [] : [audience],
          expirationSeconds,
        });
        this.#held.set(key, { ...minted, mintedAt: now });
      }),
    );
  }

  get(audience: string | undefined, expirationSeconds: number): string {
    const held = this.#held.get(keyOf(audience, expirationSeconds));
    if (held === undefined) throw new Error("the service account token was not prepared");
    return held.token;
  }

  /** When the next token has to be renewed, in milliseconds since 1970; undefined without tokens. */
  nextRenewal(): number | undefined {
    const times = [...this.#held.values()].map(renewalTime);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

const keyOf = (audience: string | undefined, seconds: number): string => `${audience ?? ""}\0${seconds}`;
const renewalTime = (held: Held): number => held.mintedAt + (held.expiresAt - held.mintedAt) * 0.8;
