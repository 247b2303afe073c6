import type { AttemptFailure } from "../../lib/retry/retry-policy.ts";
import { backOffMs } from "../../lib/retry/retry-policy.ts";
import type { Head } from "../http1/head.ts";
import type { BodyPart, Upstream, UpstreamHandler, UpstreamReset } from "../http1/streams.ts";
import type { Choice, ForwardAction } from "../route/compiled.ts";
import type { ClusterRuntime } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";
import type { HostPool, PoolClient, PooledConnection, PoolFailure } from "../upstream/pool.ts";
import type { LocalReply } from "./filter.ts";
import { RequestBody } from "./request-body.ts";
import type { RouterExchange } from "./router-exchange.ts";
import { connectFailure, resetFailure, upstreamFailures } from "./upstream-failures.ts";

const noFlags = "";

/** Brings a request to a host of its cluster and back: attempts, time-outs, retries. One belongs to each exchange and is reused. */
export class Router implements PoolClient, UpstreamHandler {
  readonly body: RequestBody = new RequestBody();
  attempts = 0;
  host: Host | undefined;
  cluster: ClusterRuntime | undefined;
  pool: HostPool | undefined;
  upstream: Upstream | undefined;
  failure = "";
  localText = "";
  /** performance.now() of the first byte of the answer, 0 before. */
  firstByteAt = 0;
  sentAt = 0;
  readonly #exchange: RouterExchange;
  #action: ForwardAction | undefined;
  #tried: Host[] | undefined;
  #hash: number | undefined;
  #waiting = false;
  #counted = false;
  #retrying = false;
  #answered = false;
  #timer: NodeJS.Timeout | undefined;
  #tryTimer: NodeJS.Timeout | undefined;
  #backOff: NodeJS.Timeout | undefined;
  #reconnected = false;

  constructor(exchange: RouterExchange) {
    this.#exchange = exchange;
  }

  /** Forgets the request before. */
  reset(): void {
    this.attempts = 0;
    this.host = undefined;
    this.cluster = undefined;
    this.pool = undefined;
    this.upstream = undefined;
    this.failure = "";
    this.localText = "";
    this.firstByteAt = 0;
    this.#tried = undefined;
    this.#answered = false;
    this.#reconnected = false;
    this.#retrying = false;
  }

  start(action: ForwardAction, choice: Choice): void {
    this.#action = action;
    const cluster = choice.slot.current;
    if (cluster === undefined) {
      this.#exchange.upstreamFailed({
        status: action.notFoundStatus,
        body: "",
        flags: "NC",
        details: "cluster_not_found",
      });
      return;
    }
    this.cluster = cluster;
    this.#hash = action.hash?.(this.#exchange.head, this.#exchange.remoteAddress);
    this.body.limit(action.retry === undefined && action.mirrors.length === 0 ? 0 : action.bufferLimit);
    if (this.body.done) this.requestComplete();
    this.#attempt();
  }

  /** The request was read to its end: Envoy's route time-out counts from here. */
  requestComplete(): void {
    const timeout = this.#action?.timeoutMs ?? 0;
    if (timeout === 0 || this.#answered || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#timedOut(), timeout);
  }

  #attempt(): void {
    const { cluster } = this;
    const action = this.#action;
    if (cluster === undefined || action === undefined) return;
    this.attempts += 1;
    this.#retrying = false;
    if (!cluster.breaker.canRequest) return this.#fail(upstreamFailures.overflow);
    const { destinationAddress, destinationPort } = this.#exchange;
    const host = cluster.pick({
      hash: this.#hash,
      destinationAddress,
      destinationPort,
      tried: this.#tried,
      attempts: action.retry?.hostAttempts ?? 0,
    });
    if (host === undefined) {
      this.host = undefined;
      this.#fail(upstreamFailures.noHost);
      return;
    }
    this.host = host;
    this.pool = cluster.poolOf(host);
    cluster.breaker.requests += 1;
    host.activeRequests += 1;
    host.totalRequests += 1;
    this.#counted = true;
    this.#waiting = true;
    this.#startTryTimer(action);
    this.pool.acquire(this);
  }

  #startTryTimer(action: ForwardAction): void {
    const limit = action.retry?.perTryTimeoutMs ?? 0;
    if (limit > 0) this.#tryTimer = setTimeout(() => this.#tryTimedOut(), limit);
  }

  onConnection(connection: PooledConnection): void {
    const { host } = this;
    if (host === undefined) return;
    this.#waiting = false;
    this.upstream = connection;
    this.localText = connection.localText;
    connection.attach(this);
    this.#exchange.beforeAttempt(host, this.attempts);
    this.sentAt = performance.now();
    const keepsUp = connection.send(this.#exchange.head, this.body.collected());
    if (keepsUp) this.#exchange.resumeRequest();
  }

  onPoolFailure(failure: PoolFailure): void {
    this.#waiting = false;
    this.#endAttempt();
    if (failure.kind === "overflow") return this.#fail(upstreamFailures.overflow);
    this.failure = failure.reason;
    if (this.#retry("connect-failure")) return;
    this.#fail(connectFailure(failure.reason));
  }

  /** More of the request's body. */
  sendBody(part: BodyPart): void {
    const sent = this.upstream !== undefined && !this.#waiting;
    this.body.take(part, sent);
    if (part.last) this.requestComplete();
    if (sent) {
      if (this.upstream?.write(part) === false && !part.last) this.#exchange.pauseRequest();
    } else if (this.body.full) this.#exchange.pauseRequest();
  }

  onResponse(head: Head, part: BodyPart): void {
    const { host, cluster } = this;
    if (host !== undefined) cluster?.noteStatus(host, head.status);
    clearTimeout(this.#tryTimer);
    this.#tryTimer = undefined;
    if (head.status >= 400 && this.#retryAnswer(head, part)) return;
    this.#answered = true;
    this.firstByteAt = performance.now();
    this.body.forget();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (part.last) this.#endAttempt();
    this.#exchange.upstreamResponse(head, part);
  }

  /** Drops an answer that the policy wants to see again. */
  #retryAnswer(head: Head, part: BodyPart): boolean {
    const policy = this.#action?.retry;
    if (policy?.retriesResponse(head.status, head) !== true) return false;
    if (!this.#mayRetry()) {
      if (this.attempts > policy.retries) this.#exchange.addFlag("URX");
      return false;
    }
    const broken = part.last ? undefined : this.upstream;
    this.upstream = undefined;
    broken?.reset();
    this.#endAttempt();
    this.#scheduleRetry();
    return true;
  }

  onResponseBody(part: BodyPart): void {
    if (part.last) this.#endAttempt();
    this.#exchange.upstreamBody(part);
  }

  onContinue(): void {
    this.#exchange.upstreamContinue();
  }

  onUpstreamDrain(): void {
    this.#exchange.resumeRequest();
  }

  onUpstreamReset(reason: UpstreamReset): void {
    const { upstream, host, cluster } = this;
    this.upstream = undefined;
    this.#endAttempt();
    if (this.#answered) {
      this.#exchange.upstreamBroken();
      return;
    }
    if (reason === "connection_termination" && upstream?.reused === true && this.#retryStale()) return;
    if (host !== undefined) cluster?.noteFailure(host);
    if (this.#retry("reset")) return;
    this.#fail(resetFailure(reason));
  }

  /**
   * A kept connection may be closed by its server just as it is used again. RFC 9110 9.2.2 lets a proxy repeat an idempotent
   * request then; it is done once and not counted as a retry.
   */
  #retryStale(): boolean {
    const idempotent = /^(?:GET|HEAD|OPTIONS|PUT|DELETE|TRACE)$/.test(this.#exchange.head.method);
    if (this.#reconnected || !idempotent || !this.body.replayable) return false;
    this.#reconnected = true;
    this.attempts -= 1;
    this.#attempt();
    return true;
  }

  #mayRetry(): boolean {
    const policy = this.#action?.retry;
    const { cluster } = this;
    if (policy === undefined || cluster === undefined || this.attempts > policy.retries || !this.body.replayable)
      return false;
    return cluster.breaker.canRetry;
  }

  #retry(failure: AttemptFailure): boolean {
    if (this.#action?.retry?.retriesFailure(failure) !== true || !this.#mayRetry()) return false;
    this.#scheduleRetry();
    return true;
  }

  #scheduleRetry(): void {
    const policy = this.#action?.retry;
    const { cluster, host } = this;
    if (policy === undefined || cluster === undefined) return;
    if (policy.avoidPreviousHosts && host !== undefined) {
      this.#tried ??= [];
      this.#tried.push(host);
    }
    this.#retrying = true;
    cluster.breaker.retries += 1;
    const delay = backOffMs(policy, this.attempts, this.#exchange.random);
    this.#backOff = setTimeout(() => {
      this.#backOff = undefined;
      cluster.breaker.retries -= 1;
      this.#attempt();
    }, delay);
  }

  #timedOut(): void {
    this.#timer = undefined;
    this.#abandon();
    this.#fail(upstreamFailures.timeout);
  }

  #tryTimedOut(): void {
    this.#tryTimer = undefined;
    const { host, cluster } = this;
    this.#abandon();
    if (host !== undefined) cluster?.noteStatus(host, 504);
    if (this.#retry("per-try-timeout")) return;
    this.#fail(upstreamFailures.tryTimeout);
  }

  /** Every retry that the policy allows was made and failed, which Envoy flags with URX. */
  #fail(reply: LocalReply): void {
    const retries = this.#action?.retry?.retries ?? 0;
    const exhausted = retries > 0 && this.attempts > retries;
    const flags = exhausted ? [reply.flags, "URX"].filter((flag) => flag !== noFlags).join(",") : reply.flags;
    this.cancel();
    this.#exchange.upstreamFailed({ ...reply, flags });
  }

  /** Gives up the attempt under way. */
  #abandon(): void {
    if (this.#waiting) this.pool?.cancel(this);
    this.#waiting = false;
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.reset();
    this.#endAttempt();
  }

  #endAttempt(): void {
    if (this.#tryTimer !== undefined) {
      clearTimeout(this.#tryTimer);
      this.#tryTimer = undefined;
    }
    if (!this.#counted) return;
    this.#counted = false;
    if (this.cluster !== undefined) this.cluster.breaker.requests -= 1;
    if (this.host !== undefined) this.host.activeRequests -= 1;
  }

  /** Ends everything that is under way: the request is over. */
  cancel(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#backOff !== undefined) {
      clearTimeout(this.#backOff);
      this.#backOff = undefined;
      if (this.#retrying && this.cluster !== undefined) this.cluster.breaker.retries -= 1;
    }
    if (this.#counted || this.#waiting) this.#abandon();
    this.upstream = undefined;
  }
}
