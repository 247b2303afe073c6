import type { ProxyNode } from "../model/snapshot.ts";
import { type ProxyConfig, type XdsType, xdsTypes } from "../xds/resource.ts";
import { type Rejection, type Update, Watch } from "./watch.ts";

/** A response to be put on the wire. */
export interface Outgoing extends Update {
  readonly type: XdsType;
  readonly nonce: string;
  readonly version: string;
  /** All that the proxy is to have of this type; for the state-of-the-world protocol. */
  readonly state: Update["changed"];
}

/** A request, whichever protocol it came in. */
export interface Incoming {
  readonly type: XdsType;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: Readonly<Record<string, string>>;
  /** Nonce of the response that this answers; empty if none. */
  readonly nonce: string;
  readonly error: string | undefined;
  /** A request without names asks for everything (types CDS, LDS, WDS and WADS, first request of a stream). */
  readonly wildcard: boolean;
}

export interface SessionEvents {
  /** False if the protocol has no way to say this, so that no answer will come. */
  send(outgoing: Outgoing): boolean;
  /** A response was refused. */
  rejected(rejection: Rejection): void;
  /** The proxy has all of this snapshot. */
  synced(generation: number): void;
  /** The same proxy has come again over another stream; this one is to end. */
  superseded(): void;
}

/**
 * The conversation with one proxy. At most one response of a type is under way; what changes meanwhile is sent as one when the
 * answer comes, so a slow proxy gets the last state and nothing piles up.
 */
export class ProxySession {
  readonly node: ProxyNode;
  readonly watches = new Map<XdsType, Watch>();
  /** Whether the proxy's service account may read the Secrets of its namespace; asked when it first wants one. */
  readsSecrets = false;
  readonly #events: SessionEvents;
  readonly #instance: string;
  #config: ProxyConfig | undefined;
  #nonces = 0;
  #syncedGeneration = 0;

  constructor(node: ProxyNode, instance: string, events: SessionEvents) {
    this.node = node;
    this.#instance = instance;
    this.#events = events;
  }

  get config(): ProxyConfig | undefined {
    return this.#config;
  }

  /** The newest snapshot that the proxy has taken over in full; 0 before the first. */
  get ackedGeneration(): number {
    return this.#syncedGeneration;
  }

  /** Refused responses whose content is still what we would send. */
  get rejections(): readonly Rejection[] {
    return [...this.watches.values()].flatMap(({ rejection }) => rejection ?? []);
  }

  request(incoming: Incoming): void {
    const watch = this.#watch(incoming);
    if (
      incoming.nonce !== "" &&
      watch.answer(incoming.nonce, incoming.error) &&
      watch.rejection?.nonce === incoming.nonce
    ) {
      this.#events.rejected(watch.rejection);
    }
    for (const name of incoming.unsubscribe) watch.unsubscribe(name);
    for (const name of incoming.subscribe) watch.subscribe(name, name in incoming.initialVersions);
    this.#flush();
  }

  /** Ends the conversation: the proxy has a newer one. */
  supersede(): void {
    this.#events.superseded();
  }

  /** Takes over the configuration that the proxy is to have from now on. */
  push(config: ProxyConfig): void {
    this.#config = config;
    this.#flush();
  }

  #watch(incoming: Incoming): Watch {
    const known = this.watches.get(incoming.type);
    if (known !== undefined) return known;
    const watch = new Watch(incoming.type);
    watch.wildcard = incoming.wildcard;
    watch.resume(incoming.initialVersions);
    this.watches.set(incoming.type, watch);
    return watch;
  }

  /** Additions in the order of types, then what is to go: nothing is taken away while something may still refer to it. */
  #flush(): void {
    const config = this.#config;
    if (config === undefined) return;
    let waiting = false;
    for (const type of xdsTypes) if (!this.#sendChanges(type, config, waiting)) waiting = true;
    if (waiting) return;
    for (const type of xdsTypes) if (!this.#sendRemovals(type, config)) return;
    this.#settle(config.generation);
  }

  /**
   * False if it has to wait for an answer. While an earlier type waits, only what it may be waiting for goes out: endpoints, and
   * what the proxy has asked for and never got. A proxy may hold its answer about listeners until their routes are there.
   */
  #sendChanges(type: XdsType, config: ProxyConfig, earlierWaits: boolean): boolean {
    const watch = this.watches.get(type);
    if (watch === undefined) return true;
    const { changed, removed } = watch.diff(config);
    const sendable = earlierWaits && type !== "EDS" ? changed.filter(({ name }) => !watch.wasSent(name)) : changed;
    // A listener that goes is told with those that come: it refers to others, nothing refers to it. That there is no such secret
    // is told at once, since listeners wait for them.
    const tellsRemoved = type === "SDS" || (type === "LDS" && !earlierWaits);
    const update = { changed: sendable, removed: tellsRemoved ? removed : [] };
    if (update.changed.length + update.removed.length === 0 && !watch.owesFirstAnswer) return true;
    if (watch.inFlight !== undefined) return false;
    this.#send(watch, update, config.generation);
    // Clusters that were replaced wait for their endpoints again. Source: Envoy's xDS protocol, "Resource warming".
    if (type === "CDS") this.watches.get("EDS")?.forget(changed.map(({ name }) => name));
    return true;
  }

  #sendRemovals(type: XdsType, config: ProxyConfig): boolean {
    const watch = this.watches.get(type);
    if (watch === undefined) return true;
    const { removed } = watch.diff(config);
    if (removed.length === 0) return true;
    if (watch.inFlight !== undefined) return false;
    return !this.#send(watch, { changed: [], removed }, config.generation);
  }

  /** Returns whether an answer is to be expected. */
  #send(watch: Watch, update: Update, generation: number): boolean {
    this.#nonces += 1;
    const nonce = `${this.#instance}-${this.#nonces}`;
    const version = `${this.#instance}/${generation}`;
    const state = watch.stateAfter(update);
    const names = [...update.changed.map(({ name }) => name), ...update.removed];
    const onTheWire = this.#events.send({ ...update, type: watch.type, nonce, version, state });
    watch.markSent(update, onTheWire ? { nonce, version, generation, names } : undefined);
    return onTheWire;
  }

  #settle(generation: number): void {
    for (const watch of this.watches.values()) watch.settle(generation);
    const watches = [...this.watches.values()];
    // Before it has asked for clusters and listeners (a ztunnel: for addresses) a proxy has nothing to be in step with.
    const isEnvoy = this.watches.has("CDS") && this.watches.has("LDS");
    if (!isEnvoy && !this.watches.has("WDS")) return;
    const acked = Math.min(...watches.map((watch) => watch.ackedGeneration));
    if (acked <= this.#syncedGeneration) return;
    this.#syncedGeneration = acked;
    this.#events.synced(acked);
  }
}
