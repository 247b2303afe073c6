import { isDeepStrictEqual } from "node:util";
import { namespaces } from "#api/names.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import type { Authority } from "./authority.ts";
import { type LoadOptions, loadAuthority, PLUGGED_IN } from "./load.ts";
import type { CaLog } from "./service.ts";

/** The mesh's CA as it is now, and word of every other one that takes its place. */
export interface LiveAuthority {
  readonly current: Authority;
  onChange(listener: () => void): () => void;
}

export interface FollowOptions extends LoadOptions {
  readonly client: KubeClient;
  readonly log: CaLog;
}

/**
 * Loads the CA and follows the plugged-in one: another key, certificate or set of roots counts at once, without a restart. One that
 * cannot be used is told in the log, and the former goes on. Rejects if there is none to begin with.
 */
export async function followAuthority({
  client,
  log,
  ...options
}: FollowOptions): Promise<LiveAuthority & { readonly dispose: () => void }> {
  const first = await loadAuthority(client, options);
  log.info({ source: first.source }, "certificate authority loaded");
  const warn = ({ revocationProblems }: Authority): void => {
    for (const problem of revocationProblems) log.warn({ secret: PLUGGED_IN }, problem);
  };
  warn(first.authority);
  const listeners = new Set<() => void>();
  let { authority: current, files } = first;
  const reload = async (): Promise<void> => {
    try {
      const next = await loadAuthority(client, options);
      if (isDeepStrictEqual(next.files, files)) return;
      ({ authority: current, files } = next);
      log.info({ source: next.source }, "certificate authority replaced");
      warn(current);
      for (const listener of listeners) listener();
    } catch (error) {
      log.warn({ error: textOf(error) }, "the certificate authority stays as it was");
    }
  };
  // One after the other: an answer that comes late must not win over a newer one.
  let reloading: Promise<void> = Promise.resolve();
  const cache = new ObjectCache(client, resources.secrets, {
    namespace: namespaces.system,
    fieldSelector: `metadata.name=${PLUGGED_IN}`,
    onError: (error) => log.warn({ error: textOf(error) }, `cannot watch secret ${PLUGGED_IN}`),
  });
  cache.onChange(() => {
    reloading = reloading.then(reload);
  });
  return {
    get current() {
      return current;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose: () => {
      cache.dispose();
      listeners.clear();
    },
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
