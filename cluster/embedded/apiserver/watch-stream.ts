import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { type Change, RevisionGone } from "../store/watch-hub.ts";
import { apiVersionOf, bucketOf } from "./kinds.ts";
import { present, type Registry } from "./registry.ts";
import type { ResourceRequest } from "./request.ts";
import type { Predicate } from "./selectors.ts";
import { gone, statusBody } from "./status.ts";

const BOOKMARK_MS = 30_000;
const DEFAULT_SECONDS = 1800;
/** A watcher that does not read is ended; it comes back and lists again. */
const MAX_BUFFERED = 16 * 1024 * 1024;

/** Streams changes as JSON lines until the client goes or its time is over. Source: Kubernetes API concepts, "Efficient detection of changes". */
export function streamChanges(
  registry: Registry,
  target: ResourceRequest,
  options: { readonly fits: Predicate | undefined; readonly response: ServerResponse },
): void {
  const { kind, namespace, query } = target;
  const { fits = () => true, response } = options;
  const { store } = registry;
  const bucket = bucketOf(kind);
  response.writeHead(200, {
    "content-type": "application/json",
    "transfer-encoding": "chunked",
    "cache-control": "no-cache, private",
  });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    if (response.writableLength > MAX_BUFFERED) response.destroy();
    else
      response.write(
        `{"type":"${type}","object":${Buffer.isBuffer(object) ? object.toString() : JSON.stringify(object)}}\n`,
      );
  };
  const encode = (object: ApiObject): unknown => {
    const shown = present(kind, object);
    return shown === object ? store.encode(object) : shown;
  };
  const bookmark = (extra: object = {}): void =>
    send("BOOKMARK", {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { resourceVersion: String(store.revision), ...extra },
    });
  const inNamespace = (object: ApiObject): boolean =>
    namespace === undefined || object.metadata.namespace === namespace;
  const onChange = ({ type, object, previous }: Change): void => {
    if (!inNamespace(object)) return;
    const [was, is] = [previous !== undefined && fits(previous), type !== "DELETED" && fits(object)];
    if (is) send(was ? "MODIFIED" : "ADDED", encode(object));
    else if (was) send("DELETED", encode(object));
  };
  const asked = query.get("resourceVersion") ?? "";
  const wantsInitial = query.get("sendInitialEvents") === "true" || asked === "" || asked === "0";
  let stop: () => void;
  try {
    if (wantsInitial) {
      for (const object of store.list(bucket, namespace)) if (fits(object)) send("ADDED", encode(object));
      if (query.get("sendInitialEvents") === "true") bookmark({ annotations: { "k8s.io/initial-events-end": "true" } });
    }
    stop = store.watch(bucket, wantsInitial ? store.revision : Number(asked), onChange);
  } catch (error) {
    if (!(error instanceof RevisionGone)) throw error;
    send("ERROR", statusBody(gone(error.message)));
    response.end();
    return;
  }
  const bookmarks = query.get("allowWatchBookmarks") === "true" ? setInterval(bookmark, BOOKMARK_MS) : undefined;
  const seconds = Number(query.get("timeoutSeconds")) || DEFAULT_SECONDS;
  const end = setTimeout(() => response.end(), seconds * 1000);
  response.on("close", () => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(end);
  });
}
