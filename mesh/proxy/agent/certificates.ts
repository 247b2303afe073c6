import { unwatchFile, watchFile } from "node:fs";
import { spiffeId } from "#api/names.ts";
import type { Connect } from "#mesh/lib/control-plane/connect.ts";
import {
  type CertificateWish,
  certificatesIn,
  ended,
  requestCertificate,
  type WorkloadCertificate,
} from "#mesh/lib/identity/request-certificate.ts";
import { Backoff } from "#mesh/lib/xds/backoff.ts";
import type { ProxyConfig } from "../config.ts";
import type { AgentLog } from "./log.ts";

/** Renewal moves by up to this share of the lifetime, so that pods that started together do not renew together. */
const JITTER = 0.01;
/** How often the file with the roots is looked at. */
const LOOK_MS = 2000;
/** Pods learn of other roots at different times: this much later than each other at most, so that they do not all ask at once. */
const SPREAD_MS = 500;
/**
 * A root that was taken away stays trusted for this long. The kubelets of a cluster bring the new file within a minute or two, and a
 * peer that has not heard of it yet still shows a certificate of the former root.
 */
const FORMER_ROOTS_MS = 120_000;
/** Node's timers count milliseconds in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface CertificateOptions {
  readonly config: ProxyConfig;
  readonly connect: Connect;
  readonly log: AgentLog;
  /** Called with the first certificate and with every renewed one. */
  readonly onCertificate: (certificate: WorkloadCertificate) => void;
  readonly random?: () => number;
  /** Milliseconds that a root stays trusted after it was taken away. */
  readonly formerRootsMs?: number;
  /** Milliseconds between two looks at the file with the roots. */
  readonly lookMs?: number;
}

/**
 * Gets this workload's certificate from the control plane and renews it, in time and whenever the mesh's roots change, for as long
 * as it lives.
 */
export class Certificates {
  readonly #options: CertificateOptions;
  readonly #backoff = new Backoff({ initialMs: 100, maximumMs: 3000 });
  #timer: NodeJS.Timeout | undefined;
  #current: WorkloadCertificate | undefined;
  /** Roots that were taken away, with the time until which they still count. */
  readonly #former = new Map<string, number>();
  #retirement: NodeJS.Timeout | undefined;
  #renewing = false;
  #rootsChanged = false;
  #closed = false;

  constructor(options: CertificateOptions) {
    this.#options = options;
  }

  get current(): WorkloadCertificate | undefined {
    return this.#current;
  }

  /** PEM of the authorities that are known: roots, and the intermediates above the own certificate. */
  get authorities(): readonly string[] {
    if (this.#current === undefined) return [];
    return [...certificatesIn(this.#current.chain).slice(1), ...certificatesIn(this.#current.roots)];
  }

  start(): void {
    const { config, lookMs = LOOK_MS } = this.#options;
    watchFile(config.files.rootCertificate, { persistent: false, interval: lookMs }, this.#onRoots);
    void this.#renew();
  }

  close(): void {
    this.#closed = true;
    unwatchFile(this.#options.config.files.rootCertificate, this.#onRoots);
    clearTimeout(this.#timer);
    clearTimeout(this.#retirement);
  }

  readonly #onRoots = (): void => {
    this.#rootsChanged = true;
    // Before the first certificate they are read with every attempt anyway.
    if (this.#renewing || this.#current === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), this.#random() * SPREAD_MS);
  };

  async #renew(): Promise<void> {
    const { config, log } = this.#options;
    let delayMs: number;
    this.#renewing = true;
    this.#rootsChanged = false;
    try {
      const certificate = this.#withFormerRoots(await requestCertificate(wishOf(config), this.#options.connect));
      if (this.#closed) return;
      this.#backoff.reset();
      this.#current = certificate;
      delayMs = this.#untilRenewal(certificate);
      log.info(
        { spiffeId: certificate.spiffeId, notAfter: certificate.notAfter.toISOString() },
        "got a workload certificate",
      );
      this.#options.onCertificate(certificate);
    } catch (error) {
      delayMs = this.#backoff.next();
      log.warn({ error: (error as Error).message, retryMs: delayMs }, "could not get a workload certificate");
    }
    this.#renewing = false;
    if (this.#rootsChanged) delayMs = Math.min(delayMs, SPREAD_MS);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#renew(), Math.min(delayMs, LONGEST_TIMER_MS));
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }

  /** Make before break: who still shows a certificate of a root that has just gone is not turned away. */
  #withFormerRoots(certificate: WorkloadCertificate): WorkloadCertificate {
    const roots = certificatesIn(certificate.roots);
    const until = Date.now() + (this.#options.formerRootsMs ?? FORMER_ROOTS_MS);
    for (const root of certificatesIn(this.#current?.roots ?? ""))
      if (!roots.includes(root) && !this.#former.has(root)) this.#former.set(root, until);
    for (const root of roots) this.#former.delete(root);
    this.#scheduleRetirement();
    return { ...certificate, roots: [...roots, ...this.#former.keys()].map(ended).join("") };
  }

  #scheduleRetirement(): void {
    clearTimeout(this.#retirement);
    if (this.#former.size === 0) return;
    const next = Math.min(...this.#former.values());
    this.#retirement = setTimeout(() => this.#retire(), Math.max(0, next - Date.now()));
  }

  #retire(): void {
    const gone = [...this.#former].filter(([, until]) => until <= Date.now()).map(([root]) => root);
    for (const root of gone) this.#former.delete(root);
    this.#scheduleRetirement();
    if (gone.length === 0 || this.#current === undefined) return;
    const roots = certificatesIn(this.#current.roots).filter((root) => !gone.includes(root));
    this.#current = { ...this.#current, roots: roots.map(ended).join("") };
    this.#options.log.info({ roots: gone.length }, "former roots are not trusted any more");
    this.#options.onCertificate(this.#current);
  }

  #untilRenewal({ notBefore, notAfter }: WorkloadCertificate): number {
    const lifetime = notAfter.getTime() - notBefore.getTime();
    const grace = this.#options.config.renewalGraceRatio + (this.#random() * 2 - 1) * JITTER;
    return Math.max(1000, notAfter.getTime() - lifetime * grace - Date.now());
  }
}

const wishOf = (config: ProxyConfig): CertificateWish => ({
  spiffeId: spiffeId(config.pod.namespace, config.pod.serviceAccount, config.trustDomain),
  address: config.certificateAddress,
  lifetimeSeconds: config.certificateLifetimeSeconds,
  rootCertificate: config.files.rootCertificate,
});
