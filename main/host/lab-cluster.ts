import type { INode } from "kubernetes-models/v1/Node";
import type { NodeSummary } from "#api/rpc/cluster.ts";
import type { ClusterApi } from "./cluster-api.ts";
import { type Observable, Subject } from "./observable.ts";
import { Collector } from "./telemetry/collector.ts";
import { RequestLog } from "./telemetry/requests.ts";
import { Generator } from "./traffic/generator.ts";

/** Everything that lives as long as one running cluster. */
export interface LabCluster {
  readonly api: ClusterApi;
  readonly collector: Collector;
  readonly generator: Generator;
  readonly requests: RequestLog;
  readonly nodes: Observable<readonly NodeSummary[]>;
  /** Where a person's browser reaches the shop. */
  readonly shopUrl: string;
  dispose(): Promise<void>;
}

/** How people reach the mesh's gateway: by the provider's own way in, else by a port-forward. */
export interface GatewayAccess {
  readonly url: string | undefined;
  /** Port of 127.0.0.1 that a port-forward takes if it is free. */
  readonly localPort: number | undefined;
}

/** Begins to watch a cluster whose API server answers. */
export async function openLabCluster(api: ClusterApi, { url, localPort }: GatewayAccess): Promise<LabCluster> {
  const requests = new RequestLog();
  const nodes = new Subject<readonly NodeSummary[]>([]);
  const unwatchNodes = api.watch("nodes", (objects) => nodes.set((objects as readonly INode[]).map(nodeSummary)));
  const collector = new Collector(api, requests);
  const generator = new Generator(api, collector.pods);
  const gateway = { namespace: "istio-system", name: "istio-ingressgateway", port: 80, localPort };
  const forward = url === undefined ? await api.forwardService(gateway) : { url, close: async () => {} };
  return {
    api,
    collector,
    generator,
    requests,
    nodes,
    shopUrl: forward.url,
    dispose: async () => {
      unwatchNodes();
      generator.dispose();
      collector.dispose();
      await forward.close();
      await api.close();
    },
  };
}

function nodeSummary({ metadata, status }: INode): NodeSummary {
  return {
    name: metadata?.name ?? "",
    ready: status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false,
    zone: metadata?.labels?.["topology.kubernetes.io/zone"],
    version: status?.nodeInfo?.kubeletVersion ?? "",
    usage: undefined,
  };
}
