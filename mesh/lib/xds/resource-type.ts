/** How resources of one xDS type are read. Envoy's and ztunnel's types alike. */
export interface ResourceType<Resource> {
  /** Such as type.googleapis.com/envoy.config.cluster.v3.Cluster. */
  readonly typeUrl: string;
  /** Throws when the bytes are no such message. */
  decode(bytes: Uint8Array): Resource;
  /** For state-of-the-world responses, which do not name their resources. */
  nameOf(resource: Resource): string;
}

export interface VersionedResource<Resource> {
  readonly name: string;
  readonly version: string;
  readonly resource: Resource;
}

/** What one response changes. */
export interface ResourceChanges<Resource> {
  readonly changed: readonly VersionedResource<Resource>[];
  readonly removed: readonly string[];
}

/** Resources that cannot be used: what is wrong with each. Thrown by a subscriber to refuse (NACK) a response. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly problems: ReadonlyMap<string, string>;

  constructor(problems: ReadonlyMap<string, string>) {
    super([...problems].map(([name, problem]) => `${name}: ${problem}`).join("; "));
    this.problems = problems;
  }
}
