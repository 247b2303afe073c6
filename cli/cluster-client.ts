import { AppError } from "#api/errors.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { connectHost } from "./host-process.ts";
import { first } from "./rpc-client.ts";

/** Runs something against the API server of the lab's cluster. Throws NOT_RUNNING where there is none. */
export async function withCluster<T>(work: (client: KubeClient) => Promise<T>): Promise<T> {
  const { rpc } = await connectHost();
  const { kubeconfig } = await first(rpc.stream("cluster.status", {}));
  rpc.close();
  if (kubeconfig === undefined) throw new AppError("NOT_RUNNING", "the cluster is not ready yet");
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
