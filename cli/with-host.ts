import { ensureHost, type RunningHost } from "./host-process.ts";
import { first } from "./rpc-client.ts";

/** Does something with the host, starting one if none runs. */
export async function withHost(work: (host: RunningHost) => Promise<void>): Promise<void> {
  const host = await ensureHost({ attached: false, port: undefined });
  try {
    await work(host);
    // A host that only had to answer this has nothing to stay for.
    if (host.started && (await isIdle(host))) await host.rpc.call("app.shutdown", { deleteState: false });
  } finally {
    host.rpc.close();
  }
}

async function isIdle({ rpc }: RunningHost): Promise<boolean> {
  const { clusters } = await first(rpc.stream("clusters", {}));
  return clusters.every(({ phase }) => phase !== "ready" && phase !== "starting");
}
