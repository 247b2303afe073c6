import { setTimeout as delay } from "node:timers/promises";
import type { IPod } from "kubernetes-models/v1/Pod";
import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import { readText } from "#kube/http.ts";
import { podLocalRequest } from "#kube/pod-port.ts";
import { resources } from "#kube/resource.ts";

const LIMIT_MS = 10_000;
const PAUSE_MS = 20;

export interface Changes {
  readonly changes: number;
  /** Writes the object anew; resolves to what the API server made of it. */
  readonly write: (change: number) => Promise<KubeObject>;
}

/**
 * Milliseconds from before each write until the control plane, asked through the API server, says that every proxy has acknowledged
 * that very version. One after the other.
 */
export async function measureAcks(client: KubeClient, { changes, write }: Changes): Promise<readonly number[]> {
  const { items } = await client.list<IPod & KubeObject>(resources.pods, {
    namespace: "istio-system",
    labelSelector: "app=istiod",
  });
  const pod = { namespace: "istio-system", pod: items[0]?.metadata.name ?? "", port: 8080 };
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    const started = performance.now();
    const { kind, metadata } = await write(change);
    const query = new URLSearchParams({
      resource: `${kind}/${metadata.namespace}/${metadata.name}`,
      resourceVersion: metadata.resourceVersion ?? "",
    });
    for (;;) {
      const response = await podLocalRequest(client, pod, { method: "GET", path: `/slipway/acks?${query}` });
      const { acknowledged } = JSON.parse(await readText(response)) as { acknowledged?: boolean };
      if (acknowledged) break;
      if (performance.now() - started > LIMIT_MS) throw new Error(`change ${change} was not acknowledged in time`);
    }
    times.push(performance.now() - started);
    await delay(PAUSE_MS);
  }
  return times;
}
