import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { certificatesIn, type WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import type { RevocationList } from "#mesh/lib/identity/revocation.ts";
import { StandingPeers } from "#mesh/lib/identity/standing-peers.ts";
import { Backoff } from "#mesh/lib/xds/backoff.ts";
import type { PartLog } from "./log.ts";

/** What one identity proves itself with. */
export interface Credentials {
  readonly certificate: WorkloadCertificate;
  /** What authorities have revoked, PEM; none where nobody asks. */
  readonly revoked: readonly string[];
  /** For TLS 1.3 alone, with the certificate, the roots and what is revoked. */
  readonly context: SecureContext;
}

export interface CertificatesOptions {
  readonly request: (spiffeId: string) => Promise<WorkloadCertificate>;
  readonly revoked: () => readonly RevocationList[];
  readonly log: PartLog;
  readonly random?: () => number;
}

interface Entry {
  holders: number;
  credentials: Credentials | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly backoff: Backoff;
  readonly first: PromiseWithResolvers<void>;
}

const SPREAD_MS = 500;
/** Renewal moves by up to this share of the lifetime, so that what began together does not renew together. */
const JITTER = 0.01;
/** Node's timers count milliseconds in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The certificates of all identities that pods of this node have; renewed at half of their life, for as long as somebody holds them. */
export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(spiffeId: string, credentials: Credentials) => void>();
  readonly #peers = new StandingPeers();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** Keeps an identity until the disposer is called. `ready` resolves with its first certificate. */
  hold(spiffeId: string): { readonly ready: Promise<void>; readonly release: () => void } {
    const entry = this.#entries.get(spiffeId) ?? this.#start(spiffeId);
    entry.holders++;
    let held = true;
    return {
      ready: entry.first.promise,
      release: () => {
        if (!held) return;
        held = false;
        if (--entry.holders > 0) return;
        clearTimeout(entry.timer);
        this.#entries.delete(spiffeId);
      },
    };
  }

  get(spiffeId: string): Credentials | undefined {
    return this.#entries.get(spiffeId)?.credentials;
  }

  get all(): readonly { readonly spiffeId: string; readonly certificate: WorkloadCertificate | undefined }[] {
    return [...this.#entries].map(([spiffeId, { credentials }]) => ({
      spiffeId,
      certificate: credentials?.certificate,
    }));
  }

  /** PEM of the authorities that are known: roots, and the intermediates above the certificates. */
  get authorities(): readonly string[] {
    const known = this.all.flatMap(({ certificate }) =>
      certificate === undefined
        ? []
        : [...certificatesIn(certificate.chain).slice(1), ...certificatesIn(certificate.roots)],
    );
    return [...new Set(known)];
  }

  /** Asks for all of them anew: the roots of the mesh have changed. */
  renewAll(): void {
    for (const [spiffeId, entry] of this.#entries) {
      clearTimeout(entry.timer);
      // So that the pods of many nodes do not all ask at once.
      entry.timer = setTimeout(() => void this.#renew(spiffeId, entry), Math.random() * SPREAD_MS);
    }
  }

  /** Keeps an eye on a tunnel: when what its other side has shown is revoked, it ends. */
  watch(tunnel: TLSSocket): void {
    this.#peers.add(tunnel);
  }

  /** What is revoked has changed: it counts for new tunnels, and those that stand with a revoked certificate end. */
  revocationChanged(): void {
    for (const [spiffeId, entry] of this.#entries) {
      if (entry.credentials === undefined) continue;
      entry.credentials = this.#credentialsOf(entry.credentials.certificate);
      for (const listener of this.#listeners) listener(spiffeId, entry.credentials);
    }
    const tunnels = this.#peers.endRevoked(this.#options.revoked());
    if (tunnels > 0) this.#options.log.warn({ tunnels }, "ended tunnels whose other side has a revoked certificate");
  }

  #credentialsOf(certificate: WorkloadCertificate): Credentials {
    const revoked = this.#options.revoked().map(({ pem }) => pem);
    return { certificate, revoked, context: contextOf(certificate, revoked) };
  }

  /** Tells every certificate that arrives. Returns how to stop. */
  onRenewed(listener: (spiffeId: string, credentials: Credentials) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    this.#entries.clear();
  }

  #start(spiffeId: string): Entry {
    const entry: Entry = {
      holders: 0,
      credentials: undefined,
      timer: undefined,
      backoff: new Backoff({ initialMs: 50, maximumMs: 3000 }),
      first: Promise.withResolvers(),
    };
    this.#entries.set(spiffeId, entry);
    void this.#renew(spiffeId, entry);
    return entry;
  }

  async #renew(spiffeId: string, entry: Entry): Promise<void> {
    const { log } = this.#options;
    let delayMs: number;
    try {
      const certificate = await this.#options.request(spiffeId);
      if (this.#entries.get(spiffeId) !== entry) return;
      const credentials = this.#credentialsOf(certificate);
      entry.credentials = credentials;
      entry.backoff.reset();
      entry.first.resolve();
      const lifetime = certificate.notAfter.getTime() - certificate.notBefore.getTime();
      const shift = lifetime * JITTER * ((this.#options.random ?? Math.random)() * 2 - 1);
      delayMs = Math.max(1000, (certificate.notAfter.getTime() - Date.now()) / 2 + shift);
      log.info({ identity: spiffeId, expires: certificate.notAfter.toISOString() }, "got a certificate");
      for (const listener of this.#listeners) listener(spiffeId, credentials);
    } catch (error) {
      delayMs = entry.backoff.next();
      log.warn({ identity: spiffeId, error: String(error), retry_ms: delayMs }, "could not get a certificate");
    }
    if (this.#entries.get(spiffeId) !== entry) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void this.#renew(spiffeId, entry), Math.min(delayMs, LONGEST_TIMER_MS));
  }
}

const contextOf = ({ chain, privateKey, roots }: WorkloadCertificate, revoked: readonly string[]): SecureContext =>
  createSecureContext({
    cert: chain,
    key: privateKey,
    ca: roots,
    minVersion: "TLSv1.3",
    ...(revoked.length > 0 && { crl: [...revoked] }),
  });
