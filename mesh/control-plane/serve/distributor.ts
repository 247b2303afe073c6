import type { Logger } from "pino";
import type { ProxyNode, Snapshot } from "../model/snapshot.ts";
import { Memo } from "../translate/memo.ts";
import { translate } from "../translate/translate.ts";
import { ConsistencyChecker } from "../xds/consistency.ts";
import { type ProxyConfig, ResourceEncoder } from "../xds/resource.ts";
import { withWorkload } from "./node.ts";
import type { ProxySession } from "./proxy-session.ts";

export interface DistributionMetrics {
  readonly pushes: number;
  readonly failures: number;
  readonly lastPushMs: number;
}

/** Holds the current snapshot and gives every connected proxy its part of it. */
export class Distributor {
  readonly #log: Logger;
  readonly #memo = new Memo();
  readonly #checker = new ConsistencyChecker();
  readonly #encoder = new ResourceEncoder();
  readonly #sessions = new Set<ProxySession>();
  #snapshot: Snapshot | undefined;
  #pushes = 0;
  #failures = 0;
  #lastPushMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  get sessions(): ReadonlySet<ProxySession> {
    return this.#sessions;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get metrics(): DistributionMetrics {
    return { pushes: this.#pushes, failures: this.#failures, lastPushMs: this.#lastPushMs };
  }

  /** Adds a proxy, which gets its configuration at once if there is any. Returns what removes it. */
  connect(session: ProxySession): () => void {
    // A proxy that lost its connection is back before we notice: what it had before must not count as a second proxy.
    const former = [...this.#sessions].filter(({ node }) => node.id === session.node.id);
    for (const one of former) {
      this.#sessions.delete(one);
      one.supersede();
    }
    this.#sessions.add(session);
    if (this.#snapshot !== undefined) this.#push(session, this.#snapshot);
    return () => this.#sessions.delete(session);
  }

  /** Gives a proxy again what it is to have: what it may see has changed. */
  refresh(session: ProxySession): void {
    if (this.#sessions.has(session) && this.#snapshot !== undefined) this.#push(session, this.#snapshot);
  }

  /** Makes a snapshot the current one and tells every proxy what it changes for it. */
  publish(snapshot: Snapshot): void {
    const started = performance.now();
    this.#snapshot = snapshot;
    for (const session of this.#sessions) this.#push(session, snapshot);
    this.#memo.sweep();
    this.#lastPushMs = performance.now() - started;
  }

  /** What a proxy would get of the current snapshot. Throws if there is no snapshot yet or it cannot be translated. */
  configFor(node: ProxyNode): ProxyConfig {
    if (this.#snapshot === undefined) throw new Error("there is no configuration yet");
    return this.#build(node, this.#snapshot);
  }

  #push(session: ProxySession, snapshot: Snapshot): void {
    try {
      session.push(this.#build({ ...session.node, readsSecrets: session.readsSecrets }, snapshot));
      this.#pushes += 1;
    } catch (error) {
      // The proxy keeps what it has; the others are not held up.
      this.#failures += 1;
      this.#log.error(
        { proxy: session.node.id, generation: snapshot.generation, err: error },
        "configuration not published",
      );
    }
  }

  #build(node: ProxyNode, snapshot: Snapshot): ProxyConfig {
    const resources = translate(snapshot, withWorkload(node, snapshot), this.#memo);
    const problems = this.#checker.check(resources);
    if (problems.length > 0) throw new Error(`inconsistent: ${problems.join("; ")}`);
    return { generation: snapshot.generation, resources: this.#encoder.encodeAll(resources) };
  }
}
