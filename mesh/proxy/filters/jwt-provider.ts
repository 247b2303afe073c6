import type { JwtProvider } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import { KeySet } from "../../lib/jwt/key-set.ts";
import type { Token } from "../../lib/jwt/token.ts";
import { type Verdict, Verifier } from "../../lib/jwt/verifier.ts";
import type { Head } from "../http1/head.ts";
import { bytesOf } from "../tls/data-source.ts";
import { locationsOf, type TokenLocation } from "./jwt-location.ts";

/** Envoy's default for clock_skew_seconds. */
const CLOCK_SKEW_SECONDS = 60;

/** One issuer whose tokens are read. */
export interface CompiledProvider {
  readonly name: string;
  readonly locations: readonly TokenLocation[];
  /** Routes ask for claims: the route is looked for again when they are known. */
  readonly clearsRoute: boolean;
  judge(token: string): Verdict | Promise<Verdict>;
  /** Takes away what only we may say: headers that would pass for claims of a token. */
  sanitize(head: Head): void;
  /** Says what the token says where it is wanted. Returns what policies may ask for, by key of the metadata. */
  deliver(
    token: Token,
    at: { readonly head: Head; readonly location: TokenLocation },
  ): Readonly<Record<string, unknown>>;
}

/** Throws for keys that would have to be fetched: the control plane brings them along. */
export function compileProvider(name: string, provider: JwtProvider): CompiledProvider {
  const { jwksSourceSpecifier: source, issuer, audiences, payloadInMetadata, headerInMetadata } = provider;
  if (source?.$case !== "localJwks") throw new Error(`JWT provider "${name}" has no keys of its own`);
  const clockSkewSeconds = provider.clockSkewSeconds || CLOCK_SKEW_SECONDS;
  const verifier = new Verifier({ issuer, audiences, clockSkewSeconds }, new KeySet(textOf(source.value)));
  const payloadHeader = provider.forwardPayloadHeader.toLowerCase();
  const claimHeaders = provider.claimToHeaders.map(({ headerName, claimName }) => ({
    header: headerName.toLowerCase(),
    path: claimName.split("."),
  }));
  const ours = [...claimHeaders.map(({ header }) => header), ...(payloadHeader === "" ? [] : [payloadHeader])];
  const lists = provider.normalizePayloadInMetadata?.spaceDelimitedClaims ?? [];
  return {
    name,
    locations: locationsOf(provider),
    clearsRoute: provider.clearRouteCache,
    judge: (token) => verifier.judge(token),
    sanitize: (head) => {
      for (const header of ours) if (head.has(header)) head.remove(header);
    },
    deliver: (token, { head, location }) => {
      if (!provider.forward) location.remove(head);
      if (payloadHeader !== "") head.set(payloadHeader, payloadText(token, provider.padForwardPayloadHeader));
      for (const { header, path } of claimHeaders) {
        const text = claimText(path.reduce<unknown>((value, key) => member(value, key), token.payload));
        if (text !== undefined) head.set(header, text);
      }
      return {
        ...(payloadInMetadata === "" ? {} : { [payloadInMetadata]: withLists(token.payload, lists) }),
        ...(headerInMetadata === "" ? {} : { [headerInMetadata]: { alg: token.algorithm, kid: token.keyId } }),
      };
    },
  };
}

const textOf = (source: Parameters<typeof bytesOf>[0]): string => bytesOf(source)?.toString("utf8") ?? "";

const payloadText = ({ encodedPayload }: Token, padded: boolean): string =>
  padded ? encodedPayload.padEnd(Math.ceil(encodedPayload.length / 4) * 4, "=") : encodedPayload;

const member = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

/** A header's value; what is no plain value goes as base64url of its JSON. What could break out of the header is left out. */
function claimText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined;
    case "number":
    case "boolean":
      return String(value);
    case "object":
      return value === null ? undefined : Buffer.from(JSON.stringify(value)).toString("base64url");
    default:
      return undefined;
  }
}

/** With claims such as `scope`, which are lists in spite of being text, as lists. */
function withLists(payload: Token["payload"], claims: readonly string[]): Token["payload"] {
  const changed = claims.flatMap((claim) => {
    const value = payload[claim];
    return typeof value === "string" ? [[claim, value.split(" ").filter(Boolean)] as const] : [];
  });
  return changed.length === 0 ? payload : { ...payload, ...Object.fromEntries(changed) };
}
