import type { SecureContextOptions } from "node:tls";
import { experimental, type ServerCredentials } from "@grpc/grpc-js";
import { clusterDomain, namespaces } from "#api/names.ts";
import type { IssuedCertificate } from "./authority.ts";
import type { AltName } from "./certificate.ts";
import type { LiveAuthority } from "./live.ts";

const DAY_MS = 86_400_000;
const LIFETIME_MS = 30 * DAY_MS;
/** Renewed when half of its life is over; a failed attempt is repeated long before the end. */
const RENEW_AT = 0.5;
const RETRY_MS = 60_000;
/** Node's timers count milliseconds in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Names under which the control plane is called: its Service in all its forms, and the webhooks' address. */
const names: readonly AltName[] = ["istiod", "istiod-remote", "istio-pilot"]
  .flatMap((service) => {
    const base = `${service}.${namespaces.system}`;
    return [`${base}.svc`, base, `${base}.svc.${clusterDomain}`];
  })
  .map((value) => ({ kind: "dns", value }));

export interface ServingClock {
  now(): number;
  /** Calls later; the returned function prevents it. */
  after(milliseconds: number, action: () => void): () => void;
}

export const systemClock: ServingClock = {
  now: Date.now,
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

type Issued = IssuedCertificate & { readonly key: string };

/** The control plane's own certificate, renewed while it runs: servers are told and take it for the next handshake. */
export class ServingCertificate {
  readonly #authority: LiveAuthority;
  readonly #unfollow: () => void;
  readonly #clock: ServingClock;
  readonly #listeners = new Set<(options: SecureContextOptions) => void>();
  #current: Issued;
  #cancel: () => void = () => {};

  constructor(authority: LiveAuthority, clock: ServingClock = systemClock) {
    this.#authority = authority;
    this.#clock = clock;
    this.#current = authority.current.issueWithKey(names, LIFETIME_MS);
    this.#unfollow = authority.onChange(() => {
      this.#cancel();
      this.#renew();
    });
    this.#schedule();
  }

  /** Key, certificate and root as `tls.createServer` and `setSecureContext` take them. */
  get options(): SecureContextOptions {
    const { chain, key } = this.#current;
    return { key, cert: chain.slice(0, -1).join(""), ca: this.#authority.current.trusted, minVersion: "TLSv1.2" };
  }

  /** Tells the options of every certificate after this one: `onRenewed((options) => server.setSecureContext(options))`. */
  onRenewed(listener: (options: SecureContextOptions) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    this.#unfollow();
    this.#cancel();
    this.#listeners.clear();
  }

  /** Credentials for a gRPC server: proxies may show certificates of the mesh, and need not. */
  grpcCredentials(): ServerCredentials {
    const disposers = new Map<unknown, () => void>();
    const follow = (listener: object, tell: () => void): void => {
      disposers.set(listener, this.onRenewed(tell));
      // A listener is added before whoever it serves listens itself, so an answer at once would be lost.
      queueMicrotask(tell);
    };
    const unfollow = (listener: object): void => {
      disposers.get(listener)?.();
      disposers.delete(listener);
    };
    const provider: experimental.CertificateProvider = {
      addCaCertificateListener: (listener) =>
        follow(listener, () => listener({ caCertificate: Buffer.from(this.#authority.current.trusted) })),
      removeCaCertificateListener: unfollow,
      addIdentityCertificateListener: (listener) =>
        follow(listener, () => {
          const { key, chain } = this.#current;
          listener({ certificate: Buffer.from(chain.slice(0, -1).join("")), privateKey: Buffer.from(key) });
        }),
      removeIdentityCertificateListener: unfollow,
    };
    return experimental.createCertificateProviderServerCredentials(provider, provider, false);
  }

  #schedule(): void {
    const left = this.#current.notAfter.getTime() - this.#clock.now();
    this.#cancel = this.#clock.after(Math.min(left * RENEW_AT, LONGEST_TIMER_MS), () => this.#renew());
  }

  #renew(): void {
    try {
      this.#current = this.#authority.current.issueWithKey(names, LIFETIME_MS);
    } catch {
      // The CA's own certificate may have ended: whoever connects will see that, until another is plugged in.
      this.#cancel = this.#clock.after(RETRY_MS, () => this.#renew());
      return;
    }
    for (const listener of this.#listeners) listener(this.options);
    this.#schedule();
  }
}
