import type { Head } from "../http1/head.ts";
import { known } from "../http1/known-headers.ts";
import type { BodyPart, Downstream, StreamHandler } from "../http1/streams.ts";
import type { ForwardAction } from "../route/compiled.ts";
import { splice } from "../tcp/splice.ts";
import type { Host } from "../upstream/host.ts";
import { ExchangeState } from "./exchange-state.ts";
import type { FilterExchange, LocalReply } from "./filter.ts";
import { LocalResponse } from "./local-response.ts";
import type { HttpManager } from "./manager.ts";
import { sendMirrors } from "./mirror.ts";
import { takePeerHeader } from "./peer-metadata.ts";
import { RecordView } from "./record-view.ts";
import { prepareRequest } from "./request-hygiene.ts";
import { finishResponse } from "./response-hygiene.ts";
import { Router } from "./router.ts";
import type { RouterExchange } from "./router-exchange.ts";
import { choose, noRoute } from "./routing.ts";

/** One request and its answer. Reused for the next request of its connection. */
export class Exchange extends ExchangeState implements StreamHandler, FilterExchange, RouterExchange {
  readonly router: Router;
  #peerSent = false;
  readonly #downstream: Downstream;
  readonly #record: RecordView;
  readonly #local: LocalResponse = new LocalResponse();
  #filterAt = 0;
  #responding = false;
  #lastProgress = 0;
  #upgrade = "";
  #ends: (() => void)[] = [];
  #toClient: (readonly [string, string])[] = [];
  #awaited: { readonly limit: number; readonly callback: (bytes: Buffer, partial: boolean) => void } | undefined;

  constructor(downstream: Downstream, manager: HttpManager) {
    super(downstream.connection, manager);
    this.#downstream = downstream;
    this.router = new Router(this);
    this.#record = new RecordView(this);
  }

  onRequest(head: Head, body: BodyPart): void {
    this.#begin(head, body);
    const { manager } = this;
    if (head.method === "CONNECT") return this.reply({ status: 403, body: "", flags: "", details: "upgrade_failed" });
    const refused = prepareRequest(head, manager, this.connection);
    if (refused !== undefined) return this.reply({ status: 400, body: "", flags: "", details: refused });
    if (!this.#takeUpgrade(head)) return this.reply({ status: 403, body: "", flags: "", details: "upgrade_failed" });
    const announced = Math.max(head.contentLength, this.router.body.received);
    if (manager.maxRequestBytes > 0 && announced > manager.maxRequestBytes) return this.#tooLarge();
    this.#takePeer(head);
    this.refreshRoute();
    if (this.route === noRoute) return this.#notFound();
    if (head.expectContinue && !manager.forwardContinue && !body.last) this.#downstream.continue();
    this.#filterAt = 0;
    this.proceed();
  }

  #begin(head: Head, body: BodyPart): void {
    this.restart(head);
    this.#responding = false;
    this.#peerSent = false;
    this.#upgrade = "";
    this.#awaited = undefined;
    if (this.#toClient.length > 0) this.#toClient = [];
    this.#lastProgress = this.startTime;
    this.router.reset();
    this.router.body.begin(body);
    this.manager.environment.inFlight.started();
  }

  /** Upgrades that the listener or the route allows pass; h2c is ignored, which RFC 9110 7.8 permits. */
  #takeUpgrade(head: Head): boolean {
    if (!head.wantsUpgrade) return true;
    const type = (head.known(known.upgrade) ?? "").toLowerCase();
    if (type === "h2c" || type === "") {
      head.dropId(known.upgrade);
      head.remove("http2-settings");
      return true;
    }
    this.#upgrade = type;
    return this.manager.upgrades.has(type);
  }

  refreshRoute(): void {
    this.route = this.manager.routes.current?.find(this.head, this.metadata) ?? noRoute;
  }

  #notFound(): void {
    this.reply({ status: 404, body: "", flags: "NR", details: "route_not_found" });
  }

  #tooLarge(): void {
    this.reply({ status: 413, body: "Payload Too Large", flags: "", details: "request_payload_too_large" });
  }

  #takePeer(head: Head): void {
    const peer = takePeerHeader(head);
    this.requestPeer = this.connection.provenance?.peer;
    if (peer === undefined || this.manager.direction !== "inbound") return;
    this.requestPeer = this.manager.environment.peers.decode(peer);
    this.#peerSent = true;
  }

  proceed(): void {
    const { filters } = this.manager;
    while (this.active && this.#filterAt < filters.length) {
      const filter = filters[this.#filterAt];
      this.#filterAt += 1;
      if (filter?.onRequest?.(this) === "stop") return;
    }
    if (this.active) this.#forward();
  }

  #forward(): void {
    const { route, head } = this;
    if (route === noRoute) return this.#notFound();
    const { action } = route;
    switch (action.kind) {
      case "redirect": {
        const scheme = head.get("x-forwarded-proto") ?? "http";
        const location = action.location(head, scheme).replace(/[\r\n\0]/g, "");
        return this.reply({
          status: action.status,
          body: "",
          flags: "",
          details: "direct_response",
          headers: [["location", location]],
        });
      }
      case "direct":
        return this.reply({ status: action.status, body: action.body, flags: "", details: "direct_response" });
      case "forward":
        this.#send(action);
    }
  }

  #send(action: ForwardAction): void {
    const { head, route } = this;
    const choice = choose(action.target, this);
    if (choice === undefined) {
      return this.reply({ status: action.notFoundStatus, body: "", flags: "NC", details: "cluster_not_found" });
    }
    this.choice = choice;
    choice.requestEdits?.apply(head, this);
    route.requestEdits?.apply(head, this);
    const host = choice.hostRewrite ?? action.rewriteHost?.(head);
    if (host !== undefined) head.setAuthority(host);
    if (action.rewritePath !== undefined) {
      head.set("x-envoy-original-path", head.path);
      head.path = action.rewritePath(head.path).replace(/[\r\n\0 ]/g, "");
    }
    if (action.timeoutMs > 0) head.add("x-envoy-expected-rq-timeout-ms", String(Math.round(action.timeoutMs)));
    if (this.#upgrade !== "") {
      head.add("connection", "upgrade");
    }
    this.router.start(action, choice);
    if (action.mirrors.length > 0) sendMirrors(this, action.mirrors);
  }

  beforeAttempt(host: Host, attempt: number): void {
    const { head, route, manager } = this;
    if (route.attemptCount) {
      head.dropId(known.attemptCount);
      head.removeAdded("x-envoy-attempt-count");
      head.add("x-envoy-attempt-count", String(attempt));
    }
    if (route.action.kind === "forward" && route.action.autoHostRewrite && host.description.hostname !== "") {
      head.setAuthority(host.description.hostname);
    }
    if (manager.direction === "inbound" || manager.direction === "waypoint") return;
    head.removeAdded("x-envoy-peer-metadata");
    head.removeAdded("x-envoy-peer-metadata-id");
    // Only workloads of the mesh are told who asks; tunnels tell it by themselves.
    if (host.description.peer === undefined || host.description.internal !== undefined) return;
    head.add("x-envoy-peer-metadata", manager.environment.peers.own);
    head.add("x-envoy-peer-metadata-id", manager.environment.nodeId);
  }

  onRequestBody(body: BodyPart): void {
    if (!this.active) return;
    this.#lastProgress = Date.now();
    const limit = this.manager.maxRequestBytes;
    if (limit > 0 && this.router.body.received + (body.end - body.start) > limit) {
      this.router.cancel();
      return this.#tooLarge();
    }
    this.router.sendBody(body);
    this.#tellBody();
  }

  get hasBody(): boolean {
    return this.router.body.announced;
  }

  readBody(limit: number, callback: (bytes: Buffer, partial: boolean) => void): void {
    this.#awaited = { limit, callback };
    const { head } = this;
    // Who waits for the word before sending a body would wait for ever.
    if (head.expectContinue && !this.router.body.done) {
      this.#downstream.continue();
      head.dropId(known.expect);
    }
    this.#tellBody();
  }

  #tellBody(): void {
    const awaited = this.#awaited;
    if (awaited === undefined) return;
    const bytes = this.router.body.peek(awaited.limit);
    const partial = bytes.length > awaited.limit;
    if (!partial && !this.router.body.done) return;
    this.#awaited = undefined;
    awaited.callback(partial ? bytes.subarray(0, awaited.limit) : bytes, partial);
  }

  addToAnswer(name: string, value: string): void {
    this.#toClient.push([name, value]);
  }

  onRequestMalformed(): void {
    if (!this.active) return;
    this.router.cancel();
    this.addFlag("DPE");
    if (this.#responding) this.#break();
    else this.reply({ status: 400, body: "Bad Request", flags: "", details: "http1.codec_error" });
  }

  onDownstreamDrain(): void {
    this.router.upstream?.resume();
  }

  onDownstreamGone(): void {
    if (!this.active) return;
    this.router.cancel();
    this.addFlag("DC");
    this.details = "downstream_remote_disconnect";
    if (!this.#responding) this.status = 0;
    this.#complete();
  }

  upstreamResponse(head: Head, body: BodyPart): void {
    const { choice, route } = this;
    this.responseHead = head;
    this.details = "via_upstream";
    if (head.status === 101 && this.#upgrade !== "") return this.#tunnel(head);
    head.dropId(known.upstreamServiceTime);
    head.add("x-envoy-upstream-service-time", String(Math.round(this.router.firstByteAt - this.router.sentAt)));
    choice?.responseEdits?.apply(head, this);
    route.responseEdits?.apply(head, this);
    this.#answer(head, body);
  }

  #answer(head: Head, body: BodyPart): void {
    const { filters, environment, direction } = this.manager;
    this.responseHead = head;
    this.status = head.status;
    this.#responding = true;
    this.bytesSent += body.end - body.start;
    for (let index = filters.length - 1; index >= 0; index -= 1) filters[index]?.onResponse?.(this, head);
    for (const [name, value] of this.#toClient) head.add(name, value);
    const peer = takePeerHeader(head);
    if (peer !== undefined && direction !== "inbound") this.responsePeer = environment.peers.decode(peer);
    if (this.#peerSent) {
      head.add("x-envoy-peer-metadata", environment.peers.own);
      head.add("x-envoy-peer-metadata-id", environment.nodeId);
    }
    if (this.route.attemptCountInResponse) head.set("x-envoy-attempt-count", String(this.router.attempts));
    finishResponse(head, this.manager);
    const { last } = body;
    if (last) {
      // The next request may begin while this one's answer is written: it is over before.
      this.#complete();
      this.#downstream.respond(head, body);
    } else this.#downstream.respond(head, body);
  }

  upstreamBody(body: BodyPart): void {
    if (!this.active) return;
    this.bytesSent += body.end - body.start;
    this.#lastProgress = Date.now();
    if (body.last) {
      this.#complete();
      this.#downstream.write(body);
    } else if (!this.#downstream.write(body)) this.router.upstream?.pause();
  }

  upstreamContinue(): void {
    if (this.active && !this.#responding && this.head.version === 11) this.#downstream.continue();
  }

  upstreamBroken(): void {
    if (!this.active) return;
    this.addFlag("UC");
    this.#break();
  }

  #break(): void {
    this.details =
      this.details === "via_upstream" ? "upstream_reset_after_response_started{connection_termination}" : this.details;
    this.#complete();
    this.#downstream.abort();
  }

  upstreamFailed(reply: LocalReply): void {
    this.reply(reply);
  }

  /** Every answer that the proxy gives itself is made here. */
  reply(reply: LocalReply): void {
    if (!this.active || this.#responding) return;
    this.router.cancel();
    if (reply.flags !== "") this.addFlag(reply.flags);
    this.details = reply.details;
    this.decidedBy = reply.decidedBy ?? "";
    const head = this.#local.prepare(reply);
    if (this.route !== noRoute) this.route.responseEdits?.apply(head, this);
    this.#answer(head, this.#local.body(reply, this.head.method));
  }

  onEnd(callback: () => void): void {
    this.#ends.push(callback);
  }

  pauseRequest(): void {
    this.#downstream.pause();
  }

  resumeRequest(): void {
    this.#downstream.resume();
  }

  /** The upstream agreed to an upgrade: from here on bytes go both ways unseen. */
  #tunnel(head: Head): void {
    const { upstream } = this.router;
    if (upstream === undefined) return;
    this.status = 101;
    this.#responding = true;
    finishResponse(head, this.manager);
    this.#downstream.switchProtocols(head);
    const down = this.#downstream.takeOver();
    splice({
      client: down,
      server: upstream.takeOver(),
      idleTimeoutMs: 0,
      ended: ({ fromClient, fromServer }) => {
        this.router.body.received += fromClient;
        this.bytesSent += fromServer;
        this.#complete();
      },
    });
  }

  sweep(now: number): void {
    const { action } = this.route;
    const limit = (action.kind === "forward" ? action.idleTimeoutMs : undefined) ?? this.manager.streamIdleMs;
    const { requestTimeoutMs } = this.manager;
    if (!this.active) return;
    if (requestTimeoutMs > 0 && !this.router.body.done && now - this.startTime > requestTimeoutMs) {
      this.router.cancel();
      return this.reply({ status: 408, body: "request timeout", flags: "", details: "request_overall_timeout" });
    }
    if (limit === 0 || now - this.#lastProgress <= limit) return;
    this.addFlag("SI");
    this.details = "stream_idle_timeout";
    this.router.cancel();
    if (this.#responding) return this.#break();
    const status = this.router.body.done ? 504 : 408;
    this.reply({ status, body: "stream timeout", flags: "", details: "stream_idle_timeout" });
  }

  #complete(): void {
    this.active = false;
    this.router.cancel();
    if (this.#ends.length > 0) {
      const ends = this.#ends;
      this.#ends = [];
      for (const end of ends) end();
    }
    const { environment } = this.manager;
    environment.sink.record(this.#record);
    environment.inFlight.ended();
  }
}
