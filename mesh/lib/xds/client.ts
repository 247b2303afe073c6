import type { Client, Metadata } from "@grpc/grpc-js";
import type { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { Backoff } from "./backoff.ts";
import { openDeltaStream } from "./delta-stream.ts";
import type { ResourceChanges, ResourceType } from "./resource-type.ts";
import { openStateStream } from "./state-stream.ts";
import type { AdsStream } from "./stream.ts";
import { type AcceptedResource, type AnyTypeState, TypeState, type TypeStatus } from "./type-state.ts";

export interface XdsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface XdsClientOptions {
  readonly protocol: "delta" | "state-of-the-world";
  readonly node: Node;
  /** Makes a connection; asked again after each failure, so that changed certificates and tokens are read anew. */
  readonly connect: () => Promise<{ readonly client: Client; readonly metadata: Metadata }>;
  readonly log: XdsLog;
  readonly backoff?: Backoff;
}

/** One type's subscription. */
export interface Subscription<Resource> {
  /** What is in force. */
  readonly resources: ReadonlyMap<string, AcceptedResource<Resource>>;
  /** Asks for exactly these names from now on; for types that were subscribed with names. */
  want(names: ReadonlySet<string>): void;
  status(): TypeStatus;
}

/**
 * Client of the aggregated discovery service. It keeps one stream open; when it breaks, what was accepted stays in force and is
 * named to the server on the next stream, so that only what changed meanwhile is sent.
 */
export class XdsClient {
  readonly #options: XdsClientOptions;
  readonly #states = new Map<string, AnyTypeState>();
  readonly #backoff: Backoff;
  #stream: AdsStream | undefined;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #connected = false;
  #failures = 0;

  constructor(options: XdsClientOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff({ initialMs: 100, maximumMs: 5000 });
  }

  /**
   * Declares a type before `start`. `apply` puts changes in force, or throws (RefusedError) to refuse the whole response; it may
   * take its time, other types go on meanwhile.
   * @param names undefined for all there are
   */
  subscribe<Resource>(
    type: ResourceType<Resource>,
    names: ReadonlySet<string> | undefined,
    apply: (changes: ResourceChanges<Resource>) => Promise<void> | void,
  ): Subscription<Resource> {
    const state = new TypeState(type, names, apply);
    this.#states.set(type.typeUrl, state);
    return {
      resources: state.resources,
      want: (wanted) => {
        const change = state.want(wanted);
        this.#stream?.subscribe(state, change);
      },
      status: () => state.status(),
    };
  }

  start(): void {
    void this.#open();
  }

  /** Ends the stream; what was accepted stays readable. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#client?.close();
  }

  status(): { readonly connected: boolean; readonly failures: number; readonly types: readonly TypeStatus[] } {
    return {
      connected: this.#connected,
      failures: this.#failures,
      types: [...this.#states.values()].map((state) => state.status()),
    };
  }

  async #open(): Promise<void> {
    try {
      const { client, metadata } = await this.#options.connect();
      if (this.#closed) return client.close();
      this.#client = client;
      const open = this.#options.protocol === "delta" ? openDeltaStream : openStateStream;
      this.#stream = open({
        client,
        metadata,
        node: this.#options.node,
        states: this.#states,
        onResponse: () => this.#onResponse(),
        onEnd: (error) => this.#onEnd(error),
      });
    } catch (error) {
      this.#onEnd(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onResponse(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#backoff.reset();
    this.#options.log.info({}, "connected to the control plane");
  }

  #onEnd(error: Error | undefined): void {
    this.#stream = undefined;
    this.#client?.close();
    this.#client = undefined;
    this.#connected = false;
    if (this.#closed) return;
    this.#failures++;
    const delay = this.#backoff.next();
    this.#options.log.warn(
      { error: error?.message ?? "the server ended the stream", retryMs: delay },
      "the stream to the control plane ended",
    );
    this.#timer = setTimeout(() => void this.#open(), delay);
  }
}
