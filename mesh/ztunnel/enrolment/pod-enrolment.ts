import { setTimeout as delay } from "node:timers/promises";
import type { CaptureMethod } from "#mesh/capture/capture-method.ts";
import { iptablesCapture } from "#mesh/capture/iptables-capture.ts";
import { Backoff } from "#mesh/lib/xds/backoff.ts";
import type { PartLog } from "../log.ts";
import { type CapturedPod, type ProxyContext, workloadOf } from "../traffic/context.ts";
import { PodProxy } from "../traffic/pod-proxy.ts";

/** What a pod is to be captured with, without what only the node knows. */
export interface PodFacts extends Omit<CapturedPod, "network" | "nodeAddresses" | "capture"> {
  readonly nodeAddress: string;
  readonly capturesDns: boolean;
}

export interface EnrolmentHost {
  readonly context: ProxyContext;
  readonly capture: CaptureMethod;
  readonly log: PartLog;
  /** Whether the control plane has told everything that there was in the beginning. */
  readonly isTold: () => boolean;
  /** Undefined while it cannot be found. */
  readonly findNetwork: (address: string) => CapturedPod["network"] | undefined;
  /** Tells the cluster, and by it everybody's proxies, whether the pod is captured. */
  readonly announce: (pod: PodFacts, captured: boolean) => Promise<void>;
}

/** How long the kernel remembers where a UDP socket's packets were led, and some. Source: nf_conntrack_udp_timeout. */
const UDP_MEMORY_MS = 35_000;
/** How long peers may not have heard yet that a pod is no longer captured: tunnels to it still work. */
const HEARSAY_MS = 5000;

interface Captured {
  readonly proxy: PodProxy;
  readonly pod: CapturedPod;
  readonly capturesDns: boolean;
  readonly releaseIdentity: () => void;
}

/**
 * One pod between captured and not. Steps are taken one after the other towards what was last wanted, so that no connection is lost:
 * the proxy listens before the first rule leads to it, peers are told last; and the other way round when it is let go.
 */
export class PodEnrolment {
  readonly #host: EnrolmentHost;
  readonly #backoff = new Backoff({ initialMs: 50, maximumMs: 2000 });
  #facts: PodFacts;
  #wanted = false;
  #gone = false;
  #captured: Captured | undefined;
  #working: Promise<void> | undefined;

  constructor(host: EnrolmentHost, facts: PodFacts) {
    this.#host = host;
    this.#facts = facts;
  }

  get captured(): boolean {
    return this.#captured !== undefined;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  want(captured: boolean, facts: PodFacts): void {
    this.#facts = facts;
    this.#wanted = captured;
    this.#work();
  }

  /** The container runtime may have made the pod's network anew: what was captured is gone then. */
  get #isStale(): boolean {
    return this.#captured !== undefined && this.#captured.pod.address !== this.#facts.address;
  }

  /** Its annotation was changed. */
  get #isOtherwise(): boolean {
    return this.#captured !== undefined && this.#captured.capturesDns !== this.#facts.capturesDns;
  }

  /** The pod and its network have ended. */
  leave(): void {
    this.#gone = true;
    this.#wanted = false;
    this.#work();
  }

  /** Takes away what a former process has left. */
  async undo(): Promise<void> {
    await this.#host.announce(this.#facts, false);
    const network = this.#host.findNetwork(this.#facts.address);
    if (network === undefined) return;
    try {
      // Only rules outlive the process that made them.
      await iptablesCapture().clean({ network, address: this.#facts.address });
    } finally {
      network.close();
    }
  }

  /** The process ends: rules stay, the next process takes over. Resolves when no connection is left. */
  async drain(): Promise<void> {
    await this.#captured?.proxy.drain();
  }

  #work(): void {
    this.#working ??= this.#run().finally(() => {
      this.#working = undefined;
    });
  }

  async #run(): Promise<void> {
    while (this.#isStale || this.#isOtherwise || this.#wanted !== (this.#captured !== undefined)) {
      try {
        if (this.#isStale) this.#forget();
        else if (this.#wanted && this.#isOtherwise) await this.#adjust();
        else if (this.#wanted) await this.#capture();
        else await this.#release();
        this.#backoff.reset();
      } catch (error) {
        const wait = this.#backoff.next();
        const what = this.#wanted ? "a pod could not be captured" : "a pod could not be let go";
        const { name, namespace } = this.#facts;
        this.#host.log.warn({ pod: name, namespace, error: String(error), retry_ms: wait }, what);
        await delay(wait);
      }
    }
  }

  async #capture(): Promise<void> {
    const { context, log } = this.#host;
    const facts = this.#facts;
    const identity = context.certificates.hold(facts.identity);
    try {
      await Promise.race([identity.ready, this.#changedMind()]);
      if (!this.#wanted) return identity.release();
      const network = this.#host.findNetwork(facts.address);
      if (network === undefined) throw new Error(`no network namespace has the address ${facts.address}`);
      // Some networks give a node's own traffic the address of the pod's router.
      const nodeAddresses = new Set([facts.nodeAddress, ...network.gateways()]);
      const pod: CapturedPod = { ...facts, network, nodeAddresses, capture: this.#host.capture };
      // Its policies come with it.
      if (!this.#host.isTold() || workloadOf(context, pod) === undefined) {
        network.close();
        throw new Error("the control plane has not told about it yet");
      }
      await this.#start({ pod, capturesDns: facts.capturesDns, releaseIdentity: identity.release });
      log.info({ pod: facts.name, namespace: facts.namespace, identity: facts.identity }, "pod captured");
    } catch (error) {
      if (this.#captured === undefined) identity.release();
      throw error;
    }
  }

  async #adjust(): Promise<void> {
    const captured = this.#captured;
    if (captured === undefined) return;
    const { capturesDns } = this.#facts;
    const { pod, proxy } = captured;
    await pod.capture.capture(pod, { dns: capturesDns, listener: proxy.listener });
    this.#captured = { ...captured, capturesDns };
  }

  async #start({ pod, capturesDns, releaseIdentity }: Omit<Captured, "proxy">): Promise<void> {
    const proxy = new PodProxy(this.#host.context, pod);
    try {
      proxy.listen();
      await pod.capture.capture(pod, { dns: capturesDns, listener: proxy.listener });
      await this.#host.announce(this.#facts, true);
      this.#captured = { proxy, pod, capturesDns, releaseIdentity };
    } catch (error) {
      await pod.capture.release(pod).catch(() => undefined);
      proxy.destroy();
      pod.network.close();
      throw error;
    }
  }

  /** The network is gone, and so is what stood in it. */
  #forget(): void {
    const captured = this.#captured;
    this.#captured = undefined;
    if (captured === undefined) return;
    captured.pod.capture.forget(captured.pod);
    captured.proxy.destroy();
    captured.pod.network.close();
    captured.releaseIdentity();
  }

  async #release(): Promise<void> {
    const captured = this.#captured;
    if (captured === undefined) return;
    const { pod } = captured;
    if (this.#gone) return this.#forget();
    await this.#host.announce(this.#facts, false);
    await pod.capture.release(pod);
    this.#captured = undefined;
    this.#host.log.info({ pod: pod.name, namespace: pod.namespace }, "pod let go");
    void this.#finish(captured);
  }

  /** Connections that stand go on, however long they like. */
  async #finish({ proxy, pod, releaseIdentity }: Captured): Promise<void> {
    await delay(HEARSAY_MS);
    const drained = proxy.dnsIdle(UDP_MEMORY_MS).then(() => proxy.drain());
    const gone = (async () => {
      while (!this.#gone) await delay(1000, undefined, { ref: false });
    })();
    await Promise.race([drained, gone]);
    if (this.#gone) proxy.destroy();
    else if (this.#captured === undefined && !this.#wanted) await pod.capture.clean(pod).catch(() => undefined);
    pod.network.close();
    releaseIdentity();
  }

  async #changedMind(): Promise<void> {
    while (this.#wanted) await delay(100, undefined, { ref: false });
  }
}
