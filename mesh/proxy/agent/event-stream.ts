import type { RequestRecord, RequestSink } from "../request-record.ts";

/** A line of the stream: what the record says, and its number. */
type Event = Readonly<Record<string, unknown>> & { readonly seq: number };

export interface EventReader {
  /** False when it does not keep up for now. */
  write(line: string): boolean;
}

const CAPACITY = 1000;
const FLUSH_MS = 100;

/**
 * The last requests, for whoever inspects them. Bounded: a reader that is slow, or comes late, misses the oldest and is told how many.
 * Without a reader a record costs one copy into the ring.
 */
export class EventStream implements RequestSink {
  readonly #ring: (Event | undefined)[];
  readonly #readers = new Map<EventReader, { next: number; blocked: boolean }>();
  #seq = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(capacity: number = CAPACITY) {
    this.#ring = new Array<Event | undefined>(capacity).fill(undefined);
  }

  record(record: RequestRecord): void {
    this.#seq++;
    this.#ring[this.#seq % this.#ring.length] = eventOf(record, this.#seq);
    if (this.#readers.size === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const reader of this.#readers.keys()) this.#flush(reader);
    }, FLUSH_MS);
    this.#timer.unref();
  }

  /**
   * Sends what came after `since`, then what comes. Returns what to call when the reader can take more, and how to end.
   * @param since the last number that the reader knows; 0 for everything there is
   */
  read(since: number, reader: EventReader): { readonly resume: () => void; readonly end: () => void } {
    // A number from before this process started is unknown here: such a reader starts at the beginning.
    this.#readers.set(reader, { next: since > this.#seq ? 1 : since + 1, blocked: false });
    this.#flush(reader);
    return {
      resume: () => {
        const state = this.#readers.get(reader);
        if (state !== undefined) state.blocked = false;
        this.#flush(reader);
      },
      end: () => void this.#readers.delete(reader),
    };
  }

  #flush(reader: EventReader): void {
    const state = this.#readers.get(reader);
    if (state === undefined || state.blocked || state.next > this.#seq) return;
    const oldest = Math.max(1, this.#seq - this.#ring.length + 1);
    const lines: string[] = [];
    if (state.next < oldest) {
      lines.push(`{"dropped":${oldest - state.next}}\n`);
      state.next = oldest;
    }
    while (state.next <= this.#seq) lines.push(`${JSON.stringify(this.#ring[state.next++ % this.#ring.length])}\n`);
    state.blocked = !reader.write(lines.join(""));
  }
}

/** Records are reused by the data plane, so everything is copied out. */
function eventOf(record: RequestRecord, seq: number): Event {
  return {
    seq,
    direction: record.direction,
    protocol: record.protocol,
    startTime: record.startTime,
    durationMs: rounded(record.durationMs),
    upstreamServiceTimeMs:
      record.upstreamServiceTimeMs === undefined ? undefined : rounded(record.upstreamServiceTimeMs),
    method: record.method,
    path: record.path,
    authority: record.authority,
    status: record.status,
    flags: record.flags,
    details: record.details,
    bytesReceived: record.bytesReceived,
    bytesSent: record.bytesSent,
    requestId: record.requestId,
    traceparent: record.traceparent,
    routeName: record.routeName,
    cluster: record.cluster,
    upstreamHost: record.upstreamHost,
    downstreamRemoteAddress: record.downstreamRemoteAddress,
    requestedServerName: record.requestedServerName,
    attempts: record.attempts,
    upstreamFailure: record.upstreamFailure,
    sourcePrincipal: record.sourcePrincipal,
    destinationPrincipal: record.destinationPrincipal,
    mutualTls: record.mutualTls,
    source: record.source,
    destination: record.destination,
    destinationService: record.destinationService?.host,
    configSource: record.configSource,
  };
}

/** To microseconds. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
