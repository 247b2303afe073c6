import { type KubeClient, search } from "./client.ts";
import { readLines, readText } from "./http.ts";
import { pathOf, resources } from "./resource.ts";
import { kubeError } from "./status-error.ts";

export interface LogQuery {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
  readonly tailLines?: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Lines of a container's log. */
export async function* podLogs(client: KubeClient, query: LogQuery): AsyncGenerator<string> {
  const path =
    pathOf(resources.pods, query.namespace, query.pod, "log") +
    search({
      container: query.container,
      tailLines: query.tailLines === undefined ? undefined : String(query.tailLines),
      follow: query.follow ? "true" : undefined,
    });
  const response = await client.http.send({ method: "GET", path, headers: { accept: "*/*" }, signal: query.signal });
  if ((response.statusCode ?? 0) >= 400) throw kubeError(response.statusCode ?? 0, await readText(response));
  yield* readLines(response);
}
