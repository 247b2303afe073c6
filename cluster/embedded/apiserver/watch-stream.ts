import type { ServerResponse } from "node:http";
import type { ApiObject } from "../machinery/api-object.ts";
import { StatusError } from "../machinery/resources.ts";
import { type Change, RevisionGone } from "../store/watch-hub.ts";
import { apiVersionOf, bucketOf } from "./kinds.ts";
import { matchProblems, notARevision } from "./listing.ts";
import type { Registry } from "./registry.ts";
import { representationOf, showObject } from "./representation.ts";
import type { ResourceRequest } from "./request.ts";
import type { Predicate } from "./selectors.ts";
import { gone, invalid, statusBody } from "./status.ts";

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
  const shown = representationOf(target.request, query);
  const asked = query.get("resourceVersion") ?? "";
  const sendsInitial = query.get("sendInitialEvents") === "true";
  const hasBookmarks = query.get("allowWatchBookmarks") === "true";
  checkOptions(query, asked);
  response.writeHead(200, {
    "content-type": "application/json",
    "transfer-encoding": "chunked",
    "cache-control": "no-cache, private",
  });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    // The time may be over while a change is on its way.
    if (response.writableEnded) return;
    if (response.writableLength > MAX_BUFFERED) response.destroy();
    else
      response.write(
        `{"type":"${type}","object":${Buffer.isBuffer(object) ? object.toString() : JSON.stringify(object)}}\n`,
      );
  };
  let first = true;
  const encode = (object: ApiObject): unknown => {
    const versioned = registry.present(kind, object);
    if (shown.form === "whole") return versioned === object ? store.encode(object) : versioned;
    const table = showObject(kind, versioned, shown);
    // The columns are said once.
    const isFirst = first;
    first = false;
    return shown.form === "table" && !isFirst ? { ...(table as object), columnDefinitions: null } : table;
  };
  const bookmark = (annotations?: object): void =>
    send("BOOKMARK", {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      metadata: { resourceVersion: String(store.revision), ...(annotations === undefined ? {} : { annotations }) },
    });
  const inNamespace = (object: ApiObject): boolean =>
    namespace === undefined || object.metadata.namespace === namespace;
  const onChange = ({ type, object, previous }: Change): void => {
    if (!inNamespace(object)) return;
    const [was, is] = [previous !== undefined && fits(previous), type !== "DELETED" && fits(object)];
    if (is) send(was ? "MODIFIED" : "ADDED", encode(object));
    else if (was) send("DELETED", encode(leaving(object, previous, type)));
  };
  const wantsInitial = sendsInitial || (query.get("sendInitialEvents") === null && (asked === "" || asked === "0"));
  const disposers: (() => void)[] = [];
  response.on("close", () => {
    for (const dispose of disposers) dispose();
  });
  try {
    if (wantsInitial) {
      for (const object of store.list(bucket, namespace)) if (fits(object)) send("ADDED", encode(object));
      if (sendsInitial && hasBookmarks) bookmark({ "k8s.io/initial-events-end": "true" });
    }
    const after = wantsInitial || asked === "" ? store.revision : Number(asked);
    disposers.push(store.watch(bucket, after, onChange));
  } catch (error) {
    if (!(error instanceof RevisionGone)) throw error;
    send("ERROR", statusBody(gone(error.message)));
    response.end();
    return;
  }
  const bookmarks = hasBookmarks ? setInterval(() => bookmark(), BOOKMARK_MS) : undefined;
  const seconds = Number(query.get("timeoutSeconds")) || DEFAULT_SECONDS;
  const end = setTimeout(() => {
    // Nothing may be written after the end, though the connection may take its time to close.
    for (const dispose of disposers.splice(0)) dispose();
    response.end();
  }, seconds * 1000);
  disposers.push(
    () => clearInterval(bookmarks),
    () => clearTimeout(end),
  );
}

/** An object that leaves a selection is shown as it was last in it, at the revision of the change. */
function leaving(object: ApiObject, previous: ApiObject | undefined, type: Change["type"]): ApiObject {
  if (type === "DELETED" || previous === undefined) return object;
  const { resourceVersion = "" } = object.metadata;
  return { ...previous, metadata: { ...previous.metadata, resourceVersion } };
}

function checkOptions(query: URLSearchParams, revision: string): void {
  const problems = matchProblems(query, true);
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", problems);
  if (!/^\d*$/.test(revision)) throw new StatusError(500, "", notARevision(revision));
}
