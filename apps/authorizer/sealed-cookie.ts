import { createHash, randomBytes } from "node:crypto";
import { EncryptJWT, jwtDecrypt } from "jose";
import type { Visit } from "./visit.ts";

/** What browsers take of one cookie is 4096 bytes, with its name and attributes (RFC 6265 6.1). */
const CHUNK = 3600;
const MOST_CHUNKS = 8;

export interface CookieOptions {
  readonly name: string;
  readonly path: string;
  readonly seconds: number;
}

/**
 * Values in cookies that nobody but us can read or make: encrypted and authenticated (JWE, A256GCM), bound to their purpose, with an
 * end. HttpOnly and SameSite=Lax; Secure, and under a __Host- name, where the site is reached by TLS.
 */
export class SealedCookies {
  readonly #key: Uint8Array;

  /** @param secret keys are derived from it; without one, of a secret of this process */
  constructor(secret: string | undefined) {
    this.#key = createHash("sha256")
      .update("slipway authorizer\0")
      .update(secret ?? randomBytes(32))
      .digest();
  }

  /** The Set-Cookie lines that keep a value. */
  async seal(value: Record<string, unknown>, { name, path, seconds }: CookieOptions, visit: Visit): Promise<string[]> {
    const text = await new EncryptJWT(value)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .setAudience(name)
      .setExpirationTime(`${seconds}s`)
      .encrypt(this.#key);
    const count = Math.ceil(text.length / CHUNK);
    if (count > MOST_CHUNKS) throw new Error("the tokens are too long for cookies");
    const lines = Array.from({ length: count }, (_, index) =>
      line(
        partName({ name, path }, index, visit),
        text.slice(index * CHUNK, (index + 1) * CHUNK),
        { path, seconds },
        visit,
      ),
    );
    return [...lines, ...leftovers({ name, path }, count, visit)];
  }

  /** The value, if it is there, ours, for this purpose and has not ended. */
  async open(
    { name, path }: Pick<CookieOptions, "name" | "path">,
    visit: Visit,
  ): Promise<Record<string, unknown> | undefined> {
    let text = "";
    for (let index = 0; index < MOST_CHUNKS; index += 1) {
      const part = visit.cookies.get(partName({ name, path }, index, visit));
      if (part === undefined) break;
      text += part;
    }
    if (text === "") return undefined;
    try {
      const options = { audience: name, keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
      return (await jwtDecrypt(text, this.#key, options)).payload;
    } catch {
      return undefined;
    }
  }

  /** The Set-Cookie lines that forget it. */
  forget(cookie: Pick<CookieOptions, "name" | "path">, visit: Visit): string[] {
    return leftovers(cookie, 0, visit);
  }

  /** The request's other cookies, which are none of ours. */
  others(names: readonly string[], visit: Visit): string {
    const own = (cookie: string): boolean =>
      names.some((name) =>
        cookie
          .replace(/^__(?:Host|Secure)-/, "")
          .replace(/\.\d$/, "")
          .startsWith(name),
      );
    return [...visit.cookies].flatMap(([name, value]) => (own(name) ? [] : [`${name}=${value}`])).join("; ");
  }
}

/** __Host- is for cookies of the whole site only. */
function partName({ name, path }: Pick<CookieOptions, "name" | "path">, index: number, { secure }: Visit): string {
  const prefix = secure ? (path === "/" ? "__Host-" : "__Secure-") : "";
  return `${prefix}${name}${index === 0 ? "" : `.${index}`}`;
}

const line = (
  name: string,
  value: string,
  { path, seconds }: { readonly path: string; readonly seconds: number },
  { secure }: Visit,
): string => `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;

/** Parts of a longer value that was there before. */
function leftovers(cookie: Pick<CookieOptions, "name" | "path">, from: number, visit: Visit): string[] {
  return Array.from({ length: MOST_CHUNKS }, (_, index) => partName(cookie, index, visit)).flatMap((name, index) =>
    index >= from && visit.cookies.has(name) ? [line(name, "", { path: cookie.path, seconds: 0 }, visit)] : [],
  );
}
