import type { Head } from "../http1/head.ts";
import type { BodyPart } from "../http1/streams.ts";
import type { Host } from "../upstream/host.ts";
import type { LocalReply } from "./filter.ts";

/** What the router needs of the exchange that it forwards. */
export interface RouterExchange {
  readonly head: Head;
  readonly remoteAddress: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly random: () => number;
  /** Called before each attempt is sent: headers that depend on host and number of the attempt. */
  beforeAttempt(host: Host, attempt: number): void;
  addFlag(flag: string): void;
  upstreamResponse(head: Head, body: BodyPart): void;
  upstreamBody(body: BodyPart): void;
  upstreamContinue(): void;
  upstreamBroken(): void;
  upstreamFailed(reply: LocalReply): void;
  pauseRequest(): void;
  resumeRequest(): void;
}
