import type { EncodedResource, ProxyConfig, ResourceMap, XdsType } from "../xds/resource.ts";

/** What a response contains, before it is put into one of the two protocols. */
export interface Update {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly string[];
}

export interface InFlight {
  readonly nonce: string;
  readonly version: string;
  readonly generation: number;
  readonly names: readonly string[];
}

/** A refused response: what the proxy said about it. */
export interface Rejection {
  readonly type: XdsType;
  readonly message: string;
  readonly resources: readonly string[];
  readonly generation: number;
  readonly nonce: string;
}

const nothing: Update = { changed: [], removed: [] };

/** What a proxy is subscribed to of one type, what it was sent and what it has taken over. Knows no protocol and no socket. */
export class Watch {
  readonly type: XdsType;
  wildcard = false;
  readonly names = new Set<string>();
  /** Versions that the proxy has or is about to get; "" for a name that it was told does not exist. */
  readonly #sent = new Map<string, string>();
  readonly #resources = new Map<string, EncodedResource>();
  /** Contents in which nothing was left to send; looked through again only when a subscription changes. */
  #done: ResourceMap | undefined;
  inFlight: InFlight | undefined;
  sentNonce = "";
  ackedNonce = "";
  /** The newest snapshot of which this proxy has everything of this type. */
  ackedGeneration = 0;
  rejection: Rejection | undefined;

  constructor(type: XdsType) {
    this.type = type;
  }

  /** What the proxy has already, as it says when it comes back. */
  resume(versions: Readonly<Record<string, string>>): void {
    this.#done = undefined;
    for (const [name, version] of Object.entries(versions)) this.#sent.set(name, version);
  }

  /** A name asked for is answered even if its version was sent before. */
  subscribe(name: string, keepVersion: boolean): void {
    this.#done = undefined;
    if (name === "*") {
      this.wildcard = true;
      return;
    }
    this.names.add(name);
    if (!keepVersion) this.#sent.delete(name);
  }

  unsubscribe(name: string): void {
    this.#done = undefined;
    if (name === "*") this.wildcard = false;
    this.names.delete(name);
    this.#sent.delete(name);
    this.#resources.delete(name);
  }

  /** Sends these again: their owner was replaced and waits for them anew. */
  forget(names: Iterable<string>): void {
    this.#done = undefined;
    for (const name of names) this.#sent.delete(name);
  }

  /** What differs between what the proxy has and what it should have. */
  diff(config: ProxyConfig): Update {
    const target = config.resources[this.type];
    if (target === this.#done) return nothing;
    const changed = [...this.#wanted(target)].filter(({ name, version }) => this.#sent.get(name) !== version);
    const removed = [...this.#sent]
      .filter(([name, version]) => version !== "" && !target.has(name))
      .map(([name]) => name);
    const unknown = [...this.names].filter((name) => !target.has(name) && !this.#sent.has(name));
    const update = { changed, removed: [...removed, ...unknown] };
    this.#done = changed.length + update.removed.length === 0 ? target : undefined;
    return update;
  }

  /**
   * Who asks for everything is answered even if there is nothing: a proxy does not start before it knows. Source: Envoy's xDS
   * protocol, "Knowing when a requested resource does not exist".
   */
  get owesFirstAnswer(): boolean {
    return this.wildcard && this.sentNonce === "" && this.#sent.size === 0;
  }

  /** Whether the proxy was told anything about this name. */
  wasSent(name: string): boolean {
    return this.#sent.has(name);
  }

  *#wanted(target: ResourceMap): Iterable<EncodedResource> {
    if (this.wildcard) {
      yield* target.values();
      return;
    }
    for (const name of this.names) {
      const resource = target.get(name);
      if (resource !== undefined) yield resource;
    }
  }

  /** Everything that the proxy is to have after an update, for the protocol that always sends all. */
  stateAfter(update: Update): readonly EncodedResource[] {
    const after = new Map(this.#resources);
    for (const resource of update.changed) after.set(resource.name, resource);
    for (const name of update.removed) after.delete(name);
    return [...after.values()];
  }

  /** Notes what the proxy was told, and the answer that is now to come, if one is. */
  markSent(update: Update, inFlight: InFlight | undefined): void {
    for (const resource of update.changed) {
      this.#sent.set(resource.name, resource.version);
      this.#resources.set(resource.name, resource);
    }
    for (const name of update.removed) {
      this.#resources.delete(name);
      if (this.names.has(name)) this.#sent.set(name, "");
      else this.#sent.delete(name);
    }
    if (inFlight === undefined) return;
    this.inFlight = inFlight;
    this.sentNonce = inFlight.nonce;
  }

  /** The proxy answered. Returns whether the answer is to what was sent last. */
  answer(nonce: string, error: string | undefined): boolean {
    const { inFlight } = this;
    if (inFlight === undefined || inFlight.nonce !== nonce) return false;
    this.inFlight = undefined;
    if (error === undefined) {
      this.ackedNonce = nonce;
      this.ackedGeneration = inFlight.generation;
      this.rejection = undefined;
    } else {
      const { names: resources, generation } = inFlight;
      this.rejection = { type: this.type, message: error, resources, generation, nonce };
    }
    return true;
  }

  /** Nothing is left to send of this snapshot: the proxy has it, unless it refused a part. */
  settle(generation: number): void {
    if (this.inFlight === undefined && this.rejection === undefined) this.ackedGeneration = generation;
  }
}
