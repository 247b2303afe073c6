import type { RequestEvent } from "#api/rpc/telemetry.ts";
import type { Disposer } from "../observable.ts";

const CAPACITY = 5000;

type Reader = (requests: readonly RequestEvent[], dropped: number) => void;

/** The last requests that the proxies reported. Readers get new ones in batches; one that is slow loses the oldest and is told how many. */
export class RequestLog {
  readonly #ring: RequestEvent[] = [];
  readonly #readers = new Set<Reader>();
  #pending: RequestEvent[] = [];
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Adds what a proxy reported; `lost` is how many it could not tell us about. */
  add(requests: readonly RequestEvent[], lost: number): void {
    this.#ring.push(...requests);
    if (this.#ring.length > CAPACITY) this.#ring.splice(0, this.#ring.length - CAPACITY);
    if (this.#readers.size === 0) return;
    this.#pending.push(...requests);
    this.#lost += lost;
    if (this.#pending.length > CAPACITY) this.#lost += this.#pending.splice(0, this.#pending.length - CAPACITY).length;
    this.#timer ??= setTimeout(() => this.#flush(), 100);
  }

  /** Starts with the requests that are known, newest last. */
  watch(filter: string, reader: Reader): Disposer {
    const matches = compileFilter(filter);
    const filtered: Reader = (requests, dropped) => {
      const fitting = requests.filter(matches);
      if (fitting.length > 0 || dropped > 0) reader(fitting, dropped);
    };
    // What waits for the others is among those that are known: it must not come twice.
    this.#flush();
    filtered(this.#ring.slice(-500), 0);
    this.#readers.add(filtered);
    return () => this.#readers.delete(filtered);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    const [requests, lost] = [this.#pending, this.#lost];
    this.#pending = [];
    this.#lost = 0;
    this.#timer = undefined;
    for (const reader of this.#readers) reader(requests, lost);
  }
}

/**
 * Compiles a filter such as `status:5xx path:/cart to:cart-v2 flag:UH`. All terms must fit; a word without a key is looked for
 * anywhere.
 */
export function compileFilter(filter: string): (request: RequestEvent) => boolean {
  const terms = filter.trim().split(/\s+/).filter(Boolean).map(compileTerm);
  return (request) => terms.every((term) => term(request));
}

function compileTerm(term: string): (request: RequestEvent) => boolean {
  const [, key = "", value = term] = /^(\w+):(.*)$/.exec(term) ?? [];
  const wanted = value.toLowerCase();
  const has = (text: string): boolean => text.toLowerCase().includes(wanted);
  switch (key) {
    case "status":
      return (request) =>
        new RegExp(`^${wanted.replaceAll(/[^\dx]/g, "").replaceAll("x", "\\d")}`).test(String(request.status));
    case "path":
      return (request) => has(request.path);
    case "method":
      return (request) => request.method.toLowerCase() === wanted;
    case "from":
      return (request) => has(request.source);
    case "to":
      return (request) => has(request.destination) || has(request.cluster);
    case "flag":
      return (request) => request.flags.toLowerCase().split(",").includes(wanted);
    case "pod":
      return (request) => has(request.reporter.pod);
    default:
      return (request) =>
        [request.path, request.authority, request.source, request.destination, request.route, request.traceId].some(
          has,
        );
  }
}
