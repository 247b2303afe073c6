import type { IProbe } from "kubernetes-models/v1/Probe";
import type { Clock } from "../machinery/clock.ts";
import type { Container } from "./kinds.ts";
import type { ProbeTarget } from "./probe.ts";
import { type ProbeKind, startProbe } from "./prober.ts";

export interface ProbeOutcomes {
  /** The startup probe has passed, or there is none. */
  onStarted(): void;
  onReady(ready: boolean): void;
  /** The container has to be ended because of this probe. */
  onFailed(kind: ProbeKind, probe: IProbe): void;
  /** One check failed. */
  onUnhealthy(message: string): void;
}

/** The probes of one run of a container. */
export class ContainerProbes {
  readonly #container: Container;
  readonly #clock: Clock;
  readonly #target: ProbeTarget;
  readonly #outcomes: ProbeOutcomes;
  readonly #disposers = new Map<ProbeKind, () => void>();

  constructor(options: { container: Container; clock: Clock; target: ProbeTarget; outcomes: ProbeOutcomes }) {
    this.#container = options.container;
    this.#clock = options.clock;
    this.#target = options.target;
    this.#outcomes = options.outcomes;
  }

  /** Begins with the startup probe; readiness and liveness are watched once it has passed. */
  start(): void {
    if (this.#container.startupProbe === undefined) this.#started();
    else this.#begin("startup", this.#container.startupProbe);
  }

  stop(): void {
    for (const dispose of this.#disposers.values()) dispose();
    this.#disposers.clear();
  }

  #started(): void {
    const { readinessProbe, livenessProbe } = this.#container;
    this.#outcomes.onStarted();
    if (readinessProbe === undefined) this.#outcomes.onReady(true);
    else this.#begin("readiness", readinessProbe);
    if (livenessProbe !== undefined) this.#begin("liveness", livenessProbe);
  }

  #begin(kind: ProbeKind, probe: IProbe): void {
    const dispose = startProbe(kind, probe, {
      clock: this.#clock,
      target: this.#target,
      events: {
        onFailure: (_, message) =>
          this.#outcomes.onUnhealthy(`${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${message}`),
        onVerdict: (_, ok) => this.#judge(kind, probe, ok),
      },
    });
    this.#disposers.set(kind, dispose);
  }

  #judge(kind: ProbeKind, probe: IProbe, ok: boolean): void {
    if (kind === "readiness") return this.#outcomes.onReady(ok);
    if (kind === "liveness" && ok) return;
    this.#disposers.get(kind)?.();
    if (ok) this.#started();
    else this.#outcomes.onFailed(kind, probe);
  }
}
