import type { IPod } from "kubernetes-models/v1/Pod";
import type { KubeObject } from "#api/kinds/object.ts";
import { annotations, spiffeId } from "#api/names.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { isNotFound } from "#kube/status-error.ts";
import type { PartLog } from "../log.ts";
import { capturesDns, decideEnrolment, probedPorts } from "./decide.ts";
import { type EnrolmentHost, PodEnrolment, type PodFacts } from "./pod-enrolment.ts";

type Pod = IPod & KubeObject;

export interface NodePodsOptions {
  readonly client: KubeClient;
  readonly node: string;
  readonly trustDomain: string;
  /** Whether DNS is captured where the pod does not say. */
  readonly dnsCapture: boolean;
  readonly host: Omit<EnrolmentHost, "announce">;
  readonly log: PartLog;
}

/** Watches the pods of this node and the labels of their namespaces, and keeps those captured that are to be. */
export class NodePods {
  /** Resolves when every pod that was there has been looked at. */
  readonly ready: Promise<void>;
  readonly #options: NodePodsOptions;
  readonly #pods: ObjectCache<Pod>;
  readonly #namespaces: ObjectCache<KubeObject>;
  readonly #enrolments = new Map<string, PodEnrolment>();
  readonly #host: EnrolmentHost;

  constructor(options: NodePodsOptions) {
    const { client, node, log } = options;
    this.#options = options;
    const onError = (error: unknown): void => log.warn({ error: String(error) }, "a watch failed, trying again");
    this.#pods = new ObjectCache<Pod>(client, resources.pods, { fieldSelector: `spec.nodeName=${node}`, onError });
    this.#namespaces = new ObjectCache(client, resources.namespaces, { onError });
    this.#host = { ...options.host, announce: (pod, captured) => this.#announce(pod, captured) };
    this.ready = Promise.all([this.#pods.ready, this.#namespaces.ready]).then(() => {
      for (const pod of this.#pods.all) this.#look(pod);
      this.#pods.onChange(({ before, after }) => {
        if (after !== undefined) this.#look(after);
        else if (before !== undefined) this.#remove(before);
      });
      this.#namespaces.onChange(({ before, after }) => {
        const { name } = (after ?? before)?.metadata ?? {};
        for (const pod of this.#pods.all) if (pod.metadata.namespace === name) this.#look(pod);
      });
    });
  }

  get captured(): number {
    return [...this.#enrolments.values()].filter(({ captured }) => captured).length;
  }

  /** How many are to be captured and are not yet. */
  get pending(): number {
    return [...this.#enrolments.values()].filter((one) => one.wanted && !one.captured).length;
  }

  /** Whether another one of us is ready on this node, and has our pods by now. */
  hasSuccessor({ name, namespace }: { readonly name: string; readonly namespace: string }): boolean {
    const own = this.#pods
      .get(namespace, name)
      ?.metadata.ownerReferences?.find(({ controller }) => controller === true);
    return this.#pods.all.some(
      ({ metadata, status }) =>
        metadata.name !== name &&
        metadata.deletionTimestamp === undefined &&
        own !== undefined &&
        (metadata.ownerReferences ?? []).some(({ uid }) => uid === own.uid) &&
        (status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True"),
    );
  }

  stop(): void {
    this.#pods.dispose();
    this.#namespaces.dispose();
  }

  /** Takes no more connections; resolves when none is left. */
  async drain(): Promise<void> {
    await Promise.all([...this.#enrolments.values()].map((enrolment) => enrolment.drain()));
  }

  #look(pod: Pod): void {
    const { uid = "", namespace = "" } = pod.metadata;
    const known = this.#enrolments.get(uid);
    if (hasEnded(pod)) return this.#remove(pod);
    const labels = this.#namespaces.get(undefined, namespace)?.metadata.labels ?? {};
    const { enrolled } = decideEnrolment(pod, labels);
    const facts = this.#factsOf(pod);
    if (known === undefined) {
      // A former process may have captured it, and somebody may have taken the label off meanwhile.
      if (!enrolled) return this.#forgive(pod);
      const enrolment = new PodEnrolment(this.#host, facts);
      this.#enrolments.set(uid, enrolment);
      return enrolment.want(true, facts);
    }
    known.want(enrolled, facts);
  }

  #remove({ metadata: { uid = "" } }: Pod): void {
    this.#enrolments.get(uid)?.leave();
    this.#enrolments.delete(uid);
  }

  #forgive(pod: Pod): void {
    if (pod.metadata.annotations?.[annotations.redirection] !== "enabled" || !pod.status?.podIP) return;
    const facts = this.#factsOf(pod);
    void new PodEnrolment(this.#host, facts).undo().catch((error: unknown) => {
      this.#options.log.warn({ pod: facts.name, namespace: facts.namespace, error: String(error) }, "rules stay");
    });
  }

  #factsOf(pod: Pod): PodFacts {
    const { name = "", namespace = "", uid = "" } = pod.metadata;
    const account = pod.spec?.serviceAccountName ?? "default";
    return {
      uid,
      name,
      namespace,
      address: pod.status?.podIP ?? "",
      identity: spiffeId(namespace, account, this.#options.trustDomain),
      nodeAddress: pod.status?.hostIP ?? "",
      probedPorts: probedPorts(pod),
      capturesDns: capturesDns(pod, this.#options.dnsCapture),
    };
  }

  async #announce({ name, namespace, uid }: PodFacts, captured: boolean): Promise<void> {
    // The uid keeps it from landing on a new pod of the same name.
    const body = { metadata: { uid, annotations: { [annotations.redirection]: captured ? "enabled" : null } } };
    try {
      await this.#options.client.patch(resources.pods, { name, namespace }, body, { type: "merge" });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const hasEnded = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
