import { Head } from "../http1/head.ts";
import type { BodyPart, UpstreamHandler } from "../http1/streams.ts";
import type { Mirror } from "../route/compiled.ts";
import type { PoolClient, PooledConnection } from "../upstream/pool.ts";

export interface MirrorSource {
  readonly head: Head;
  readonly random: () => number;
  readonly router: { readonly body: { readonly done: boolean; collected(): BodyPart } };
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

const timeoutMs = 15_000;

/**
 * Sends copies of a request whose answers nobody reads. Only requests that are complete are copied: one whose body is still
 * arriving would have to be held back for its copy.
 */
export function sendMirrors(source: MirrorSource, mirrors: readonly Mirror[]): void {
  if (!source.router.body.done) return;
  for (const mirror of mirrors) {
    if (source.random() >= mirror.fraction) continue;
    const cluster = mirror.slot.current;
    const { destinationAddress, destinationPort } = source;
    const host = cluster?.pick({ hash: undefined, destinationAddress, destinationPort, tried: undefined, attempts: 0 });
    if (cluster === undefined || host === undefined || !cluster.breaker.canRequest) continue;
    const head = new Head();
    head.copy(source.head);
    if (mirror.hostSuffix !== "") head.setAuthority(shadowHost(head.authority, mirror.hostSuffix));
    cluster.poolOf(host).acquire(new MirrorRequest(head, { ...source.router.body.collected() }));
  }
}

/** `cart:80` becomes `cart-shadow:80`, as Envoy has it. */
function shadowHost(authority: string, suffix: string): string {
  const colon = authority.lastIndexOf(":");
  return colon < 0 ? authority + suffix : authority.slice(0, colon) + suffix + authority.slice(colon);
}

class MirrorRequest implements PoolClient, UpstreamHandler {
  readonly #head: Head;
  readonly #body: BodyPart;
  #timer: NodeJS.Timeout | undefined;

  constructor(head: Head, body: BodyPart) {
    this.#head = head;
    this.#body = body;
  }

  onConnection(connection: PooledConnection): void {
    connection.attach(this);
    connection.send(this.#head, this.#body);
    this.#timer = setTimeout(() => connection.reset(), timeoutMs);
  }

  onPoolFailure(): void {}

  onResponse(_head: Head, body: BodyPart): void {
    if (body.last) clearTimeout(this.#timer);
  }

  onResponseBody(body: BodyPart): void {
    if (body.last) clearTimeout(this.#timer);
  }

  onContinue(): void {}

  onUpstreamDrain(): void {}

  onUpstreamReset(): void {
    clearTimeout(this.#timer);
  }
}
