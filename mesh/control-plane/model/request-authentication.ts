import { z } from "zod";
import { targetRef } from "./authorization-policy.ts";
import { durationText, milliseconds } from "./duration.ts";

const texts = z.array(z.string()).default([]);

/** Where a rule names none. Source: RequestAuthentication in Istio's API reference. */
const KEYS_TIMEOUT_MS = 5000;

const jwtRule = z.object({
  issuer: z.string(),
  audiences: texts,
  jwksUri: z.string().optional(),
  jwks: z.string().optional(),
  fromHeaders: z.array(z.object({ name: z.string(), prefix: z.string().default("") })).default([]),
  fromParams: texts,
  fromCookies: texts,
  outputPayloadToHeader: z.string().default(""),
  outputClaimToHeaders: z.array(z.object({ header: z.string(), claim: z.string() })).default([]),
  forwardOriginalToken: z.boolean().default(false),
  spaceDelimitedClaims: texts,
  /** For fetching its keys. */
  timeout: durationText.optional(),
});
export type JwtRule = z.infer<typeof jwtRule>;

/** Spec of a RequestAuthentication: whose tokens are believed. A request without any is let through; policies decide about it. */
export const requestAuthenticationSpec = z.object({
  selector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
  targetRef: targetRef.optional(),
  targetRefs: z.array(targetRef).optional(),
  jwtRules: z.array(jwtRule).default([]),
});
export type RequestAuthenticationSpec = z.infer<typeof requestAuthenticationSpec>;

/** Where a rule's keys are fetched from: its own address, else by way of the issuer's; undefined if it brings them along. */
export function keySourceOf({ issuer, jwks, jwksUri, timeout }: JwtRule): KeySource | undefined {
  if (jwks) return undefined;
  const timeoutMs = timeout === undefined ? KEYS_TIMEOUT_MS : milliseconds(timeout);
  return jwksUri ? { kind: "keys", url: jwksUri, timeoutMs } : { kind: "issuer", url: issuer, timeoutMs };
}

export interface KeySource {
  /** An issuer is asked for its configuration first. Source: OpenID Connect Discovery 1.0, 4. */
  readonly kind: "keys" | "issuer";
  readonly url: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}
