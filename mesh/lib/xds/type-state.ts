import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { RefusedError, type ResourceChanges, type ResourceType, type VersionedResource } from "./resource-type.ts";

/** A resource as the client holds it: accepted, so in force. */
export interface AcceptedResource<Resource> extends VersionedResource<Resource> {
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
}

export interface RawResource {
  readonly name: string;
  readonly version: string;
  readonly body: Any | undefined;
}

/** What is known of one type: what is wanted, what was accepted, what was refused. Streams come and go, this stays. */
export interface TypeStatus {
  readonly typeUrl: string;
  /** Undefined: everything. */
  readonly names: ReadonlySet<string> | undefined;
  readonly resources: number;
  readonly version: string;
  readonly accepted: number;
  readonly refused: number;
  readonly lastError: string | undefined;
}

/** The part of a type's state that streams use, whatever the resources are. */
export interface AnyTypeState {
  readonly typeUrl: string;
  readonly wanted: ReadonlySet<string> | undefined;
  readonly version: string;
  versions(): Readonly<Record<string, string>>;
  acceptDelta(
    resources: readonly RawResource[],
    removed: readonly string[],
    version: string,
  ): Promise<string | undefined>;
  acceptState(resources: readonly Any[], version: string): Promise<string | undefined>;
  status(): TypeStatus;
}

export class TypeState<Resource> implements AnyTypeState {
  readonly #type: ResourceType<Resource>;
  readonly #apply: (changes: ResourceChanges<Resource>) => Promise<void> | void;
  readonly #resources = new Map<string, AcceptedResource<Resource>>();
  /** Bodies of the last accepted state of the world, to tell what changed in the next. Empty with delta. */
  readonly #bodies = new Map<string, Buffer>();
  /** Responses of one type are applied one after another. */
  #last: Promise<unknown> = Promise.resolve();
  #wanted: ReadonlySet<string> | undefined;
  #version = "";
  #accepted = 0;
  #refused = 0;
  #lastError: string | undefined;

  constructor(
    type: ResourceType<Resource>,
    names: ReadonlySet<string> | undefined,
    apply: (changes: ResourceChanges<Resource>) => Promise<void> | void,
  ) {
    this.#type = type;
    this.#wanted = names;
    this.#apply = apply;
  }

  get typeUrl(): string {
    return this.#type.typeUrl;
  }

  /** The names that are subscribed to; undefined for all there are. */
  get wanted(): ReadonlySet<string> | undefined {
    return this.#wanted;
  }

  get version(): string {
    return this.#version;
  }

  get resources(): ReadonlyMap<string, AcceptedResource<Resource>> {
    return this.#resources;
  }

  /** Changes what is wanted; says what came and went. Resources that are no longer wanted are forgotten. */
  want(names: ReadonlySet<string>): { readonly added: readonly string[]; readonly removed: readonly string[] } {
    const before = this.#wanted ?? new Set<string>();
    this.#wanted = names;
    const removed = [...before].filter((name) => !names.has(name));
    for (const name of removed) this.#forget(name);
    return { added: [...names].filter((name) => !before.has(name)), removed };
  }

  versions(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#resources.values()].map(({ name, version }) => [name, version]));
  }

  /** Applies what a delta response brings. Resolves to what is wrong with it, or undefined when it is in force. */
  acceptDelta(
    resources: readonly RawResource[],
    removed: readonly string[],
    version: string,
  ): Promise<string | undefined> {
    return this.#serially(async () => {
      // A resource without a body only says that it is still alive.
      const present = resources.filter((raw): raw is RawResource & { body: Any } => raw.body !== undefined);
      const changed = this.#decode(
        present.map((raw) => ({ version: raw.version || version, body: raw.body, name: raw.name })),
      );
      await this.#commit({ changed, removed }, version);
    });
  }

  /** Applies a state of the world. What is absent is gone, but only for types of which everything is wanted. */
  acceptState(resources: readonly Any[], version: string): Promise<string | undefined> {
    return this.#serially(async () => {
      const all = this.#decode(resources.map((body) => ({ version, body, name: undefined })));
      const bodies = new Map(all.map(({ name }, index) => [name, resources[index]!.value]));
      const changed = all.filter(({ name }) => !this.#bodies.get(name)?.equals(bodies.get(name)!));
      const removed = this.#wanted === undefined ? [...this.#resources.keys()].filter((name) => !bodies.has(name)) : [];
      await this.#commit({ changed, removed }, version);
      for (const { name } of changed) this.#bodies.set(name, bodies.get(name)!);
    });
  }

  status(): TypeStatus {
    return {
      typeUrl: this.typeUrl,
      names: this.#wanted,
      resources: this.#resources.size,
      version: this.#version,
      accepted: this.#accepted,
      refused: this.#refused,
      lastError: this.#lastError,
    };
  }

  #serially(work: () => Promise<void>): Promise<string | undefined> {
    const verdict = this.#last.then(async () => {
      try {
        await work();
        this.#accepted++;
        this.#lastError = undefined;
      } catch (error) {
        this.#refused++;
        this.#lastError = error instanceof Error ? error.message : String(error);
      }
      return this.#lastError;
    });
    this.#last = verdict;
    return verdict;
  }

  #decode(
    raw: readonly { readonly version: string; readonly body: Any; readonly name: string | undefined }[],
  ): VersionedResource<Resource>[] {
    const problems = new Map<string, string>();
    const decoded: VersionedResource<Resource>[] = [];
    for (const { version, body, name } of raw) {
      try {
        if (body.typeUrl !== this.typeUrl) throw new Error(`is of type ${body.typeUrl}, not ${this.typeUrl}`);
        const resource = this.#type.decode(body.value);
        decoded.push({ name: name || this.#type.nameOf(resource), version, resource });
      } catch (error) {
        problems.set(name ?? "(unnamed)", error instanceof Error ? error.message : String(error));
      }
    }
    if (problems.size > 0) throw new RefusedError(problems);
    return decoded;
  }

  async #commit(changes: ResourceChanges<Resource>, version: string): Promise<void> {
    const isWanted = (name: string): boolean => this.#wanted === undefined || this.#wanted.has(name);
    const changed = changes.changed.filter(({ name }) => isWanted(name));
    if (changed.length > 0 || changes.removed.length > 0) await this.#apply({ changed, removed: changes.removed });
    const acceptedAt = Date.now();
    for (const resource of changed) this.#resources.set(resource.name, { ...resource, acceptedAt });
    for (const name of changes.removed) this.#forget(name);
    this.#version = version;
  }

  #forget(name: string): void {
    this.#resources.delete(name);
    this.#bodies.delete(name);
  }
}
