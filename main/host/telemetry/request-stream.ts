import { setTimeout as delay } from "node:timers/promises";
import type { IPod } from "kubernetes-models/v1/Pod";
import { z } from "zod";
import { ports } from "#api/names.ts";
import type { RequestEvent } from "#api/rpc/telemetry.ts";
import type { ClusterApi } from "../cluster-api.ts";
import type { Disposer } from "../observable.ts";
import type { RequestLog } from "./requests.ts";

/** A line of a proxy's event stream (15020 /slipway/requests): a request, or how many this reader lost. */
const line = z.union([
  z.looseObject({ dropped: z.number() }),
  z.looseObject({
    seq: z.number(),
    direction: z.enum(["inbound", "outbound", "gateway", "waypoint"]),
    startTime: z.number(),
    durationMs: z.number(),
    method: z.string(),
    path: z.string(),
    authority: z.string(),
    status: z.number(),
    flags: z.string(),
    details: z.string(),
    requestId: z.string(),
    traceparent: z.string(),
    routeName: z.string(),
    cluster: z.string(),
    upstreamHost: z.string(),
    attempts: z.number(),
    sourcePrincipal: z.string(),
    mutualTls: z.boolean(),
    configSource: z.string(),
    source: z.looseObject({ workload: z.string() }).nullish(),
    destination: z.looseObject({ workload: z.string() }).nullish(),
  }),
]);

/** Reads a proxy's requests into the log, for as long as the pod lives; a broken stream is taken up again where it ended. */
export function followRequests(api: ClusterApi, pod: IPod, log: RequestLog): Disposer {
  const controller = new AbortController();
  void follow(api, pod, { log, signal: controller.signal });
  return () => controller.abort();
}

async function follow(
  api: ClusterApi,
  pod: IPod,
  { log, signal }: { log: RequestLog; signal: AbortSignal },
): Promise<void> {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  let since = 0;
  while (!signal.aborted) {
    try {
      const path = `/slipway/requests?since=${since}`;
      const response = await api.podLocalRequest({ namespace, pod: name, port: ports.agentStatus }, { path, signal });
      if (response.status === 200) {
        for await (const text of response.lines()) {
          const event = line.safeParse(JSON.parse(text));
          if (!event.success) continue;
          if ("dropped" in event.data) log.add([], Number(event.data.dropped));
          else {
            const request = event.data as z.infer<(typeof line.options)[1]>;
            since = request.seq;
            log.add([toEvent(request, { namespace, pod: name })], 0);
          }
        }
      }
    } catch {
      // the proxy is restarting, or the stream was cut: again in a moment
    }
    await delay(1000, undefined, { signal }).catch(() => {});
  }
}

function toEvent(
  request: z.infer<(typeof line.options)[1]>,
  at: { readonly namespace: string; readonly pod: string },
): RequestEvent {
  return {
    id: `${at.pod}-${request.seq}`,
    time: request.startTime,
    // The part that all hops share: the trace id where there is one, else the request id.
    traceId: request.traceparent.split("-")[1] ?? request.requestId,
    reporter: { ...at, direction: request.direction },
    method: request.method,
    path: request.path,
    authority: request.authority,
    status: request.status,
    flags: request.flags,
    details: request.details,
    durationMs: request.durationMs,
    route: request.routeName,
    cluster: request.cluster,
    upstream: request.upstreamHost,
    attempts: request.attempts,
    source: request.source?.workload ?? "",
    principal: request.sourcePrincipal,
    destination: request.destination?.workload ?? "",
    mutualTls: request.mutualTls,
    configSource: request.configSource,
  };
}
