import { createSecureContext, type SecureContext } from "node:tls";
import type { WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import { Backoff } from "#mesh/lib/xds/backoff.ts";
import type { PartLog } from "./log.ts";

/** What one identity proves itself with. */
export interface Credentials {
  readonly certificate: WorkloadCertificate;
  /** For TLS 1.3 alone, with the certificate and the roots. */
  readonly context: SecureContext;
}

export interface CertificatesOptions {
  readonly request: (spiffeId: string) => Promise<WorkloadCertificate>;
  readonly log: PartLog;
}

interface Entry {
  holders: number;
  credentials: Credentials | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly backoff: Backoff;
  readonly first: PromiseWithResolvers<void>;
}

const SPREAD_MS = 500;
/** Node's timers count milliseconds in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The certificates of all identities that pods of this node have; renewed at half of their life, for as long as somebody holds them. */
export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(spiffeId: string, credentials: Credentials) => void>();

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

  /** Asks for all of them anew: the roots of the mesh have changed. */
  renewAll(): void {
    for (const [spiffeId, entry] of this.#entries) {
      clearTimeout(entry.timer);
      // So that the pods of many nodes do not all ask at once.
      entry.timer = setTimeout(() => void this.#renew(spiffeId, entry), Math.random() * SPREAD_MS);
    }
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
      const credentials = { certificate, context: contextOf(certificate) };
      entry.credentials = credentials;
      entry.backoff.reset();
      entry.first.resolve();
      delayMs = Math.max(1000, (certificate.notAfter.getTime() - Date.now()) / 2);
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

const contextOf = ({ chain, privateKey, roots }: WorkloadCertificate): SecureContext =>
  createSecureContext({ cert: chain, key: privateKey, ca: roots, minVersion: "TLSv1.3" });
