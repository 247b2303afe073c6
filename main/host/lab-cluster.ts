import type { ClusterApi } from "./cluster-api.ts";
import { Collector } from "./telemetry/collector.ts";
import { RequestLog } from "./telemetry/requests.ts";
import { Generator } from "./traffic/generator.ts";

/** Everything that lives as long as one running cluster. */
export interface LabCluster {
  readonly api: ClusterApi;
  readonly collector: Collector;
  readonly generator: Generator;
  readonly requests: RequestLog;
  /** Where a person's browser reaches the shop. */
  readonly shopUrl: string;
  dispose(): Promise<void>;
}

/** Begins to watch a cluster whose API server answers. */
export async function openLabCluster(api: ClusterApi): Promise<LabCluster> {
  const requests = new RequestLog();
  const collector = new Collector(api, requests);
  const generator = new Generator(api, collector.pods);
  const forward = await api.forwardService({ namespace: "istio-system", name: "istio-ingressgateway", port: 80 });
  return {
    api,
    collector,
    generator,
    requests,
    shopUrl: forward.url,
    dispose: async () => {
      generator.dispose();
      collector.dispose();
      await forward.close();
      await api.close();
    },
  };
}
